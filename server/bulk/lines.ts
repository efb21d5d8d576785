/** Bytes of a line that is looked at; a longer one is reported, and passed over. */
export const LINE_MAX_BYTES = 65_536

export type Line = { readonly kind: 'line'; readonly text: string } | { readonly kind: 'too-long' }

const NEWLINE = 0x0a

/** The lines of a body as it comes; what is not UTF-8 is kept readable, for tokens are ASCII. */
export async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Line, void> {
  let parts: Uint8Array[] = []
  let length = 0
  const take = (): Line => {
    const bytes = Buffer.concat(parts)
    const isTooLong = length > LINE_MAX_BYTES
    parts = []
    length = 0
    if (isTooLong) return { kind: 'too-long' }
    const text = bytes.toString('utf8')
    return { kind: 'line', text: text.endsWith('\r') ? text.slice(0, -1) : text }
  }
  for await (const chunk of body) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      length += at - from
      if (length <= LINE_MAX_BYTES) parts.push(chunk.subarray(from, at))
      yield take()
      from = at + 1
    }
    length += chunk.length - from
    if (length <= LINE_MAX_BYTES) parts.push(chunk.subarray(from))
  }
  if (length > 0) yield take()
}
