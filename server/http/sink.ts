import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Sink } from '@rescind/authority'

const DRAINED = Promise.resolve()
/** Frames a chunk that goes to many readers only once (RFC 9112 §7.1). */
const framed: WeakMap<Uint8Array, Buffer> = new WeakMap()

/** A response as a sink, for as long as its reader stays. */
export function sinkOf(response: ServerResponse): Sink {
  // A broken connection is closed; there is nothing more to report.
  response.on('error', () => {})
  let begun = false
  return {
    write: (chunk) => {
      if (response.destroyed || response.writableEnded) return
      const socket = begun ? response.socket : null
      begun = true
      // Chunk bytes are written past Node's own framing, which costs more than the write itself when a thousand readers
      // get the same bytes (bench/feed.ts, "fan-out"). They must not overtake the head, nor bytes that Node has not
      // handed to the socket yet.
      if (typeof chunk === 'string' || socket === null || !isHandedOver(response, socket))
        response.write(chunk)
      else socket.write(frameOf(chunk))
    },
    pendingBytes: () => response.writableLength,
    drained: () => {
      const { socket } = response
      if (socket === null || response.destroyed || !socket.writableNeedDrain) return DRAINED
      return drained(response, socket)
    },
    end: (withinMs) => {
      response.end()
      const timer = setTimeout(() => response.destroy(), withinMs).unref()
      response.on('close', () => clearTimeout(timer))
    },
    onClose: (listener) => {
      if (response.closed || response.destroyed) queueMicrotask(listener)
      else response.on('close', listener)
    },
  }
}

/** Never rejects: it also resolves when the reader has gone. */
export function drained(response: ServerResponse, of: ServerResponse | Socket = response): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      of.off('drain', done)
      response.off('close', done)
      resolve()
    }
    of.on('drain', done)
    response.on('close', done)
  })
}

/** Whether a chunked body has begun and the socket has everything that was written of it. */
function isHandedOver(response: ServerResponse, socket: Socket): boolean {
  return response.chunkedEncoding && response.writableLength === socket.writableLength
}

function frameOf(chunk: Uint8Array): Buffer {
  const known = framed.get(chunk)
  if (known !== undefined) return known
  const made = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  framed.set(chunk, made)
  return made
}
