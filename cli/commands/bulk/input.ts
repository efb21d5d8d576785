import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'

/** A list of leaked tokens. No part of it is kept anywhere. */
export type BulkInput = {
  /** For people, and to tell a file that has changed: an absolute path, or `-`. */
  readonly name: string
  /** Base64url SHA-256 of the whole file; of standard input, of its beginning. */
  readonly hash: string
  /** Undefined for standard input. */
  readonly size: { readonly bytes: number; readonly lines: number } | undefined
  /** Every call begins at the first byte. Standard input can be opened once. */
  readonly open: () => ReadableStream<Uint8Array>
}

/** What one call takes. */
const [LINES_MAX, BYTES_MAX] = [250_000, 268_435_456]
/** Bytes of standard input that tell whether it is the same list again. */
const HEAD_BYTES = 65_536
const NEWLINE = 0x0a

/** @param name a path, or `-`. @throws WrongUse for more than one call takes; a fault of the file system. */
export async function openInput(name: string, io: Io): Promise<BulkInput> {
  if (name === '-') return openStream('-', io.input)
  // A pipe that a shell has made of a command can be read once.
  return statSync(name).isFile() ? openFile(name) : openStream(resolve(name), createReadStream(name))
}

async function openFile(path: string): Promise<BulkInput> {
  const hash = createHash('sha256')
  let [bytes, lines, last] = [0, 0, NEWLINE]
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
    lines += newlinesIn(chunk)
    last = chunk.at(-1) ?? last
  }
  if (last !== NEWLINE) lines += 1
  if (lines > LINES_MAX || bytes > BYTES_MAX)
    throw new WrongUse(
      `${path} has ${lines} lines and ${bytes} bytes, and one call takes ${LINES_MAX} lines and ${BYTES_MAX} bytes`,
      `split it: split -l ${LINES_MAX} FILE PART-`,
    )
  return {
    ...{ name: resolve(path), hash: hash.digest('base64url'), size: { bytes, lines } },
    // What has been added since is not a part of it.
    open: () => ReadableStream.from(bytes === 0 ? [] : chunksOf(createReadStream(path, { end: bytes - 1 }))),
  }
}

async function openStream(name: string, stream: Readable): Promise<BulkInput> {
  const chunks = chunksOf(stream)
  const head: Uint8Array[] = []
  let length = 0
  while (length < HEAD_BYTES) {
    const next = await chunks.next()
    if (next.done === true) break
    head.push(next.value)
    length += next.value.length
  }
  const hash = createHash('sha256').update(Buffer.concat(head).subarray(0, HEAD_BYTES)).digest('base64url')
  return { name, hash, size: undefined, open: () => ReadableStream.from(joined(head, chunks)) }
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream as AsyncIterable<Uint8Array>) yield chunk
}

async function* joined(
  head: readonly Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield* head
  yield* rest
}

function newlinesIn(chunk: Uint8Array): number {
  let count = 0
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) count += 1
  return count
}
