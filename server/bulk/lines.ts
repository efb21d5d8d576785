/** Bytes of the longest line that is examined; a longer one is reported and skipped. */
export const LINE_MAX_BYTES = 65_536
/** Characters of a run of lines that one token may be wrapped over. */
const WRAPPED_MAX_CHARS = 65_536
/** The end of a longer run, as long as the longest token, is looked at again with the lines after it. */
const OVERLAP_CHARS = 16_384

export type Line =
  | {
      readonly kind: 'line'
      readonly text: string
      /** At the last line of a run that one word may span: its pieces, one per line. */
      readonly wrapped?: readonly string[]
    }
  | { readonly kind: 'too-long' }

const NEWLINE = 0x0a

/**
 * The lines of a body as it arrives. Bytes that are not UTF-8 are replaced, which loses no token because tokens are
 * ASCII.
 */
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

/**
 * The same lines, each once the next one is known. When a word reaches the end of a line and the next line begins with
 * a word, a mailer or terminal may have broken a token. A line that is a single word continues the run.
 */
export async function* withWraps(lines: AsyncIterable<Line>): AsyncGenerator<Line, void> {
  let held: Line | undefined
  let run: string[] = []
  let chars = 0
  const begin = (piece: string): void => {
    run = piece === '' ? [] : [piece]
    chars = piece.length
  }
  for await (const line of lines) {
    const { lead, tail, isOne } = edgesOf(line)
    if (run.length > 0 && lead !== '') {
      if (held !== undefined) yield held
      held = line
      run.push(lead)
      chars += lead.length
      if (isOne && chars <= WRAPPED_MAX_CHARS) continue
      held = ending(line, run)
      if (isOne) {
        run = lastOf(run)
        chars = run.reduce((sum, piece) => sum + piece.length, 0)
      } else begin(tail)
      continue
    }
    if (held !== undefined) yield ending(held, run)
    held = line
    begin(tail)
  }
  if (held !== undefined) yield ending(held, run)
}

function ending(line: Line, run: readonly string[]): Line {
  if (run.length < 2 || line.kind !== 'line' || line.wrapped !== undefined) return line
  return { ...line, wrapped: [...run] }
}

function lastOf(run: readonly string[]): string[] {
  let chars = 0
  let from = run.length
  while (from > 1 && chars + (run[from - 1]?.length ?? 0) <= OVERLAP_CHARS) {
    from -= 1
    chars += run[from]?.length ?? 0
  }
  return run.slice(from)
}

type Edges = { readonly lead: string; readonly tail: string; readonly isOne: boolean }

const NO_EDGES: Edges = { lead: '', tail: '', isOne: false }

/** The words at both ends of a line, without quotation marks before it or a soft break after it. */
function edgesOf(line: Line): Edges {
  if (line.kind !== 'line') return NO_EDGES
  const { text } = line
  let from = 0
  while (from < text.length && BEFORE.has(text.charCodeAt(from))) from += 1
  let to = text.length
  while (to > from && BEHIND.has(text.charCodeAt(to - 1))) to -= 1
  let end = from
  while (end < to && isWordChar(text.charCodeAt(end))) end += 1
  let start = to
  while (start > end && isWordChar(text.charCodeAt(start - 1))) start -= 1
  const isOne = end === to
  return { lead: text.slice(from, end), tail: isOne ? text.slice(from, to) : text.slice(start, to), isOne }
}

const codes = (text: string): ReadonlySet<number> => new Set([...text].map((char) => char.charCodeAt(0)))
const BEFORE = codes(' \t>"\'|\0\ufeff')
const BEHIND = codes(' \t"\'=\\\0\r')
const PUNCTUATION = codes('_.-+/')

/** Characters of tokens, and of base64 in either alphabet. */
function isWordChar(code: number): boolean {
  const isDigit = code >= 48 && code <= 57
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isDigit || isLetter || PUNCTUATION.has(code)
}
