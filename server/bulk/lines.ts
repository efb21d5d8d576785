/** Bytes of a line that is looked at; a longer one is reported, and passed over. */
export const LINE_MAX_BYTES = 65_536
/** Characters of a run of lines that one token may be wrapped over. */
const WRAPPED_MAX_CHARS = 65_536
/** Of a longer run, what is looked at once more with what follows it: the longest token. */
const OVERLAP_CHARS = 16_384

export type Line =
  | {
      readonly kind: 'line'
      readonly text: string
      /** At the last line of a run that one word may be wrapped over: its pieces, one of each line. */
      readonly wrapped?: readonly string[]
    }
  | { readonly kind: 'too-long' }

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

/**
 * The same lines, each said when the one behind it is known: where a word reaches the end of a line and goes on at the
 * beginning of the next, mailers and terminals may have broken a token. A line that is one word goes on with the run.
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

/** The words at both ends of a line, without what marks a quotation before it or a soft break behind it. */
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

/** Of tokens, and of base64 in either alphabet. */
function isWordChar(code: number): boolean {
  const isDigit = code >= 48 && code <= 57
  const isLetter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
  return isDigit || isLetter || PUNCTUATION.has(code)
}
