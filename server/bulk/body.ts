/** The body of a leak list: text in a known encoding, or packed data, in which no token is visible. */
export type Opened =
  | { readonly kind: 'text'; readonly body: AsyncIterable<Uint8Array> }
  | { readonly kind: 'refused'; readonly why: string }

/** Bytes that are examined before anything is read as lines. */
const HEAD_BYTES = 8

/** The first bytes of packed data. A packed list would look as if it held nothing. */
const PACKED: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['compress', [0x1f, 0x9d]],
  ['zip (or an office document)', [0x50, 0x4b, 0x03, 0x04]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['lz4', [0x04, 0x22, 0x4d, 0x18]],
  ['7-Zip', [0x37, 0x7a, 0xbc, 0xaf]],
  ['RAR', [0x52, 0x61, 0x72, 0x21]],
  ['PDF', [0x25, 0x50, 0x44, 0x46]],
  ['UTF-32', [0xff, 0xfe, 0x00, 0x00]],
  ['UTF-32', [0x00, 0x00, 0xfe, 0xff]],
]

/**
 * Examines the first bytes. UTF-16 with a byte order mark is decoded. Packed data is refused, because its lines would
 * be reported as clean. UTF-16 without a mark is handled line by line (the finder removes NULs).
 */
export async function openBody(stream: AsyncIterable<Uint8Array>): Promise<Opened> {
  const chunks = stream[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let length = 0
  while (length < HEAD_BYTES) {
    const next = await chunks.next()
    if (next.done === true) break
    first.push(next.value)
    length += next.value.length
  }
  const head = Buffer.concat(first)
  const packed = PACKED.find(([, magic]) => magic.every((byte, at) => head[at] === byte))
  if (packed !== undefined) return { kind: 'refused', why: `the body is ${packed[0]}; send it as plain text` }
  const body = whole(head, chunks)
  if (head[0] === 0xff && head[1] === 0xfe) return { kind: 'text', body: decoded(body, 'utf-16le') }
  if (head[0] === 0xfe && head[1] === 0xff) return { kind: 'text', body: decoded(body, 'utf-16be') }
  return { kind: 'text', body }
}

async function* whole(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** As UTF-8, so that one line reader is enough. */
async function* decoded(
  body: AsyncIterable<Uint8Array>,
  encoding: 'utf-16le' | 'utf-16be',
): AsyncGenerator<Uint8Array, void> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of body) yield Buffer.from(decoder.decode(chunk, { stream: true }), 'utf8')
  yield Buffer.from(decoder.decode(), 'utf8')
}
