import type { Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import type { Answer } from '../../wire/answer.ts'
import { type Audience, type Expired, isFor } from './events.ts'
import type { RecentRows } from './recent-rows.ts'

/** Beats during which nothing that was sent is taken, after which a reader is cut off. */
const STALLED_BEATS_MAX = 2

/** Tokens that ran out and wait to be told of; a reader that is further behind has to ask about all that it holds. */
const EXPIRED_WAITING_MAX = 4_096
/** Of these, how many are told at once. */
const EXPIRED_AT_ONCE = 256

export type StreamParts = {
  /** Whose it is, among all apps of all realms. */
  readonly app: string
  readonly realm: Realm
  readonly audience: Audience
  readonly rows: RecentRows
  /** Where the reader has been already; what came after is told first. */
  readonly after: number
  /** Told first when that place is not one of this log: the reader has to ask about all that it holds. */
  readonly reset: boolean
  /** Whether whoever opened the stream still may; asked when its app has changed. */
  readonly mayStay: () => Promise<boolean>
  readonly isOwnApp: (collection: string, id: string) => boolean
  readonly onEnd: () => void
}

/**
 * One open connection of a chat server. It holds a place in the log and reads on from there, so what it costs does
 * not grow with what its reader is behind.
 */
export class LiveStream implements AsyncIterable<string> {
  readonly #parts: StreamParts
  readonly #disconnect: AbortController = new AbortController()
  #cursor: number
  #wake: (() => void) | undefined
  /** Woken since it last began to read: what woke it may not have been read yet. */
  #stirred = false
  #ended = false
  #isRealmClosed = false
  #expired: string[] = []
  #resetDue = false
  #beatDue = false
  /** Whether the reader has asked for more: else what it was given is still on its way. */
  #pulling = false
  #stalledBeats = 0

  constructor(parts: StreamParts) {
    this.#parts = parts
    this.#cursor = parts.after
  }

  get source(): Source {
    return this.#parts.audience.source
  }

  get app(): string {
    return this.#parts.app
  }

  answer(): Answer {
    const headers = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    }
    return { status: 200, headers, body: this, until: this.#disconnect.signal }
  }

  /** There may be new rows. */
  wake(): void {
    this.#stirred = true
    this.#wake?.()
    this.#wake = undefined
  }

  /** A token of this app ran out. */
  expire({ client, data }: Expired): void {
    const of = this.#parts.audience.client
    if ((of !== undefined && of !== client) || this.#resetDue) return
    if (this.#expired.length >= EXPIRED_WAITING_MAX) {
      this.reset()
      return
    }
    this.#expired.push(data)
    this.wake()
  }

  /** The reader has to ask about all that it holds. */
  reset(): void {
    this.#expired = []
    this.#resetDue = true
    this.wake()
  }

  /** Shows the reader that we are here, or gives up on one who takes nothing. */
  beat(): void {
    this.#stalledBeats = this.#pulling ? 0 : this.#stalledBeats + 1
    if (this.#stalledBeats >= STALLED_BEATS_MAX) {
      this.giveWay()
      return
    }
    this.#beatDue = true
    this.wake()
  }

  /** Its realm is not served any more: its reader is told so, after what is being said now. */
  endWithRealm(): void {
    this.#isRealmClosed = true
    this.wake()
  }

  /** After what is being said now. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#parts.onEnd()
    this.wake()
  }

  /** At once: its reader comes back with the place that it has come to. */
  giveWay(): void {
    this.end()
    this.#disconnect.abort()
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    const events = this.#events()
    return {
      next: async () => {
        this.#pulling = true
        // Until a part has come, this may be the end: also when reading has failed.
        let isOver = true
        try {
          const next = await events.next()
          isOver = next.done === true
          return next
        } finally {
          this.#pulling = false
          if (isOver) this.end()
        }
      },
      return: async () => {
        this.end()
        return events.return(undefined)
      },
    }
  }

  async *#events(): AsyncGenerator<string, undefined> {
    const { reset } = this.#parts
    yield `${reset ? 'event: reset\ndata: {}\n\n' : ''}${this.#idLine()}event: ready\ndata: {}\n\n`
    while (!this.#ended) {
      this.#stirred = false
      if (this.#isRealmClosed) {
        this.end()
        yield 'event: closed\ndata: {"why":"realm"}\n\n'
        return undefined
      }
      const told = await this.#next()
      const text = this.#ended ? told : told + this.#takeExpired()
      if (text !== '') yield text
      else if (this.#beatDue) {
        this.#beatDue = false
        yield `: here\n${this.#idLine()}\n`
      } else if (!this.#ended && !this.#stirred) {
        await new Promise<void>((wake) => {
          this.#wake = wake
        })
      }
    }
    return undefined
  }

  /** The events of the rows that are there now; of a page of them at most. */
  async #next(): Promise<string> {
    const { audience, rows, isOwnApp, mayStay } = this.#parts
    let text = ''
    for (let page = await rows.after(this.#cursor); page.length > 0 && text === ''; ) {
      for (const row of page) {
        if (this.#ended) return text
        const change = rows.changeIn(row)
        if (change !== undefined && isOwnApp(change.collection, change.id) && !(await mayStay())) {
          this.end()
          return `${text}event: closed\ndata: {}\n\n`
        }
        const event = await rows.event(row, audience.source)
        this.#cursor = row.seq
        if (event !== undefined && isFor(event, audience)) text += this.#idLine() + event.text
      }
      if (text === '') page = await rows.after(this.#cursor)
    }
    return text
  }

  /** Expiry is no place in the log: what is told of it leaves the reader where it is. */
  #takeExpired(): string {
    if (this.#resetDue) {
      this.#resetDue = false
      return `${this.#idLine()}event: reset\ndata: {}\n\n`
    }
    const datas = this.#expired.splice(0, EXPIRED_AT_ONCE)
    return datas.map((data) => `${this.#idLine()}event: expired\ndata: ${data}\n\n`).join('')
  }

  #idLine(): string {
    return `id: ${this.#parts.realm.index.epochId}.${this.#cursor}\n`
  }
}
