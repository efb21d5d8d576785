import { decodeUtf8 } from '@rescind/core/bytes'

/** The longest line that is read: a receipt with a thousand exposed tokens has a few megabytes. */
const FILE_LINE_MAX_BYTES = 16_777_216

export type FileLine = {
  /** Its bytes, without the line feed. */
  readonly bytes: Uint8Array
  /** Undefined for what is no UTF-8. */
  readonly text: string | undefined
  /** A line feed follows. */
  readonly isEnded: boolean
}

const LINE_FEED = 0x0a

/** The lines of a file, each by its exact bytes. Ends with `too-long` at a line beyond the bound. */
export async function* linesOfFile(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<FileLine | 'too-long', void> {
  let open: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    let from = 0
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      yield lineOf([...open, chunk.subarray(from, at)], true)
      open = []
      length = 0
      from = at + 1
    }
    if (from === chunk.length) continue
    open.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > FILE_LINE_MAX_BYTES) {
      yield 'too-long'
      return
    }
  }
  if (length > 0) yield lineOf(open, false)
}

function lineOf(parts: readonly Uint8Array[], isEnded: boolean): FileLine {
  const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  return { bytes, text: decodeUtf8(bytes), isEnded }
}
