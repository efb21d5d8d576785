import { parentPort } from 'node:worker_threads'
import { StoreRefused } from '@rescind/core'
import type { Posted, Reply } from './thread-messages.ts'

/** The worker's end: answers each message in order. Errors go back as text, because threads share no classes. */
export function serve<Ask>(answer: (ask: Ask) => unknown): void {
  if (parentPort === null) throw new Error('this module runs in a worker thread')
  const port = parentPort
  port.on('message', ({ id, ask }: Posted<Ask>) => {
    port.postMessage(replyTo(id, () => answer(ask)))
  })
}

function replyTo(id: number, answer: () => unknown): Reply {
  try {
    return { id, ok: true, value: answer() }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { id, ok: false, refused: error instanceof StoreRefused, message }
  }
}
