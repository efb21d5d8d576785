import type { IncomingMessage } from 'node:http'

/** Bytes of a body that is buffered. A revoke is below 9 KB; a client's profile may be larger. */
export const BODY_MAX_BYTES = 65_536

export type BodyRead =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' }
  /** The client went away, or sent less than it declared. There is no answer to send. */
  | { readonly kind: 'aborted' }

/** The body of a request that has none. */
export const NO_BYTES: Buffer = Buffer.alloc(0)

/** Whether the headers announce a body; without one the answer need not wait for the stream. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Milliseconds for a buffered body to arrive whole. */
export const BODY_TIMEOUT_MS = 15_000

/**
 * Reads a body up to the cap. Gives up on a larger one without reading it, and on one that does not arrive in time.
 * Calls back exactly once.
 */
export function readBody(message: IncomingMessage, done: (read: BodyRead) => void): void {
  const declared = Number(message.headers['content-length'] ?? -1)
  if (declared > BODY_MAX_BYTES) {
    done({ kind: 'too-large' })
    return
  }
  const body = new Body(declared, done)
  message.on('data', (chunk: Buffer) => body.take(chunk))
  // A small body comes with its head and has been read by the next tick, so most requests need no timer and no
  // listeners.
  process.nextTick(() => body.await(message))
}

class Body {
  readonly #declared: number
  readonly #done: (read: BodyRead) => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #isSettled = false
  #late: NodeJS.Timeout | undefined

  constructor(declared: number, done: (read: BodyRead) => void) {
    this.#declared = declared
    this.#done = done
  }

  take(chunk: Buffer): void {
    if (this.#isSettled) return
    this.#length += chunk.length
    if (this.#length > BODY_MAX_BYTES) this.#settle({ kind: 'too-large' })
    else this.#chunks.push(chunk)
    // The last declared byte is here. Waiting for the stream's own end would cost two more turns.
    if (this.#length === this.#declared) this.#end()
  }

  await(message: IncomingMessage): void {
    if (this.#isSettled) return
    const aborted = (): void => this.#settle({ kind: 'aborted' })
    this.#late = setTimeout(() => this.#settle({ kind: 'too-slow' }), BODY_TIMEOUT_MS)
    message.on('end', () => this.#end())
    message.on('close', aborted)
    message.on('error', aborted)
  }

  #end(): void {
    const [only] = this.#chunks
    const isOne = this.#chunks.length === 1 && only !== undefined
    this.#settle({ kind: 'body', bytes: isOne ? only : Buffer.concat(this.#chunks, this.#length) })
  }

  #settle(read: BodyRead): void {
    if (this.#isSettled) return
    this.#isSettled = true
    clearTimeout(this.#late)
    this.#done(read)
  }
}

/** Thrown to the reader of a streamed body that is longer than its endpoint takes: 413. */
export class StreamTooLarge extends Error {}

/** A body as it arrives, up to a cap. A reader that stops early leaves the connection open for the answer. */
export async function* streamedBody(
  message: IncomingMessage,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) throw new StreamTooLarge()
  if (!hasBody(message)) return
  let length = 0
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new StreamTooLarge()
    yield chunk
  }
}
