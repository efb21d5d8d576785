import type { IncomingMessage } from 'node:http'

/** Bytes of a body that is buffered. A revoke is below 9 KB; a client's profile may be larger. */
export const BODY_MAX_BYTES = 65_536

export type BodyRead =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'too-slow' }
  /** The client went away, or sent less than it declared: nobody is there to be answered. */
  | { readonly kind: 'aborted' }

const EMPTY: BodyRead = { kind: 'body', bytes: Buffer.alloc(0) }

/** Whether the headers announce a body; without one the answer need not wait for the stream. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Milliseconds for a buffered body to arrive whole. */
export const BODY_TIMEOUT_MS = 15_000

/**
 * Reads a body up to the cap; a larger one is given up on without being read, and so is one that does not come in time.
 * Calls back exactly once.
 */
export function readBody(message: IncomingMessage, done: (read: BodyRead) => void): void {
  if (!hasBody(message)) {
    done(EMPTY)
    return
  }
  if (Number(message.headers['content-length'] ?? 0) > BODY_MAX_BYTES) {
    done({ kind: 'too-large' })
    return
  }
  const declared = Number(message.headers['content-length'] ?? -1)
  const chunks: Buffer[] = []
  let length = 0
  let settled = false
  const settle = (read: BodyRead): void => {
    if (settled) return
    settled = true
    clearTimeout(late)
    done(read)
  }
  const late = setTimeout(() => settle({ kind: 'too-slow' }), BODY_TIMEOUT_MS)
  const whole = (): void => {
    const [only] = chunks
    const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length)
    settle({ kind: 'body', bytes })
  }
  message.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > BODY_MAX_BYTES) settle({ kind: 'too-large' })
    else if (!settled) chunks.push(chunk)
    // The last declared byte is here; the stream's own end comes two turns later.
    if (length === declared) whole()
  })
  message.on('end', whole)
  message.on('close', () => settle({ kind: 'aborted' }))
  message.on('error', () => settle({ kind: 'aborted' }))
}

/** Thrown to whoever reads a streamed body that is longer than its endpoint takes: 413. */
export class StreamTooLarge extends Error {}

/** A body as it comes, up to a cap; whoever stops reading leaves the connection open for the answer. */
export async function* streamedBody(
  message: IncomingMessage,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  if (Number(message.headers['content-length'] ?? 0) > maxBytes) throw new StreamTooLarge()
  let length = 0
  for await (const chunk of message.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new StreamTooLarge()
    yield chunk
  }
}
