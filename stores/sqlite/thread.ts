import { Worker } from 'node:worker_threads'
import { StoreRefused, StoreUnavailable } from '@rescind/core'
import type { Posted, Reply } from './thread-messages.ts'

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }

/** Threads hold one page at a time; a small young generation keeps garbage from piling up. */
const LIMITS = { maxYoungGenerationSizeMb: 4 }

/** The main thread's end of a worker that answers messages in order. If the worker dies, all waiting calls fail. */
export class Thread<Ask> {
  readonly #worker: Worker
  readonly #waiting: Map<number, Waiting> = new Map()
  #next = 0
  #died: Error | undefined

  /** @param name the worker's file beside this one, without its extension. */
  constructor(name: string) {
    // Sources run as .ts by type stripping, published files as .js; a worker is of the same kind as its parent.
    const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#worker = new Worker(new URL(`./${name}.${ending}`, import.meta.url), {
      execArgv: [],
      resourceLimits: LIMITS,
    })
    this.#worker.on('message', (reply: Reply) => this.#settle(reply))
    this.#worker.on('error', (error) => this.#die(error instanceof Error ? error : new Error(String(error))))
    this.#worker.on('exit', (code) => this.#die(new Error(`the ${name} ended with code ${code}`)))
  }

  /** @throws StoreUnavailable, or StoreRefused when the store must not be used. */
  ask<T>(ask: Ask, transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.#died !== undefined) return Promise.reject(unavailable(this.#died.message))
    const id = this.#next
    this.#next += 1
    const posted: Posted<Ask> = { id, ask }
    return new Promise<T>((resolve, reject) => {
      // The message alone gives the type of the answer; both ends are in this folder.
      this.#waiting.set(id, { resolve: (value) => resolve(value as T), reject })
      this.#worker.postMessage(posted, transfer)
    })
  }

  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (waiting === undefined) return
    if (reply.ok) waiting.resolve(reply.value)
    else waiting.reject(reply.refused ? new StoreRefused(reply.message) : unavailable(reply.message))
  }

  #die(error: Error): void {
    this.#died = error
    for (const { reject } of this.#waiting.values()) reject(unavailable(error.message))
    this.#waiting.clear()
  }
}

function unavailable(message: string): StoreUnavailable {
  return new StoreUnavailable(`the store cannot answer: ${message}`)
}

/** What would refuse a start is an outage for a served store: it ends once the files are as before. */
export function asOutage(error: unknown): Promise<never> {
  return Promise.reject(error instanceof StoreRefused ? new StoreUnavailable(error.message) : error)
}
