import { responseLines } from './response-lines.ts'

export type StreamEvent = { readonly event: string; readonly data: string }

/**
 * Server-sent events of an answer, as they come. @throws CommandFailed when the connection breaks.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function* streamEvents(response: Response, url: URL): AsyncGenerator<StreamEvent> {
  let event = 'message'
  let data: string[] = []
  for await (const line of responseLines(response, url)) {
    const [name, value] = fieldOf(line)
    if (line === '') {
      if (data.length > 0) yield { event, data: data.join('\n') }
      event = 'message'
      data = []
    } else if (name === 'event') event = value
    else if (name === 'data') data.push(value)
  }
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  return colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')]
}
