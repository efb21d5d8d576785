import { CommandFailed } from './failure.ts'

/** Characters of a line; no server or command writes a longer one. */
const LINE_MAX_CHARS = 16_777_216

/**
 * The lines of a text, as it comes. They end at line feeds alone: `node:readline` also ends them at U+2028, which stands
 * in JSON as it is. @throws CommandFailed for a line that is too long.
 */
export async function* textLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    let from = 0
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n', from)) {
      yield rest.slice(from, at)
      from = at + 1
    }
    rest = rest.slice(from)
    if (rest.length > LINE_MAX_CHARS) throw new CommandFailed('a line is too long')
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
