import type { Realm } from '@rescind/authority'
import type { Source } from '@rescind/core'
import type { Answer } from '../../wire/answer.ts'
import { type Audience, type Expired, isFor } from './events.ts'
import type { RecentRows } from './recent-rows.ts'

/** Beats without any progress after which a reader is disconnected. */
const STALLED_BEATS_MAX = 2

/** Expired tokens waiting to be sent. A reader further behind gets a reset and must ask about all its tokens. */
const EXPIRED_WAITING_MAX = 4_096
/** Of these, how many are sent at once. */
const EXPIRED_AT_ONCE = 256

export type StreamParts = {
  /** The app of the stream, unique among all realms. */
  readonly app: string
  readonly realm: Realm
  readonly audience: Audience
  readonly rows: RecentRows
  /** The last row that the reader has seen. Later rows are sent first. */
  readonly after: number
  /** Sent first if that row is not in this log: the reader must ask about all its tokens. */
  readonly reset: boolean
  /** Whether the caller's key may still hold the stream open. Asked when its app changes. */
  readonly mayStay: () => Promise<boolean>
  readonly isOwnApp: (collection: string, id: string) => boolean
  readonly onEnd: () => void
}

/**
 * One open connection of a chat server. It keeps a cursor in the log and reads on from there, so its cost does not grow
 * with how far its reader is behind.
 */
export class LiveStream implements AsyncIterable<string> {
  readonly #parts: StreamParts
  readonly #disconnect: AbortController = new AbortController()
  #cursor: number
  #wake: (() => void) | undefined
  /** Set by `wake` since the last read began: what woke it may not have been read yet. */
  #stirred = false
  #ended = false
  #isRealmClosed = false
  #expired: string[] = []
  #resetDue = false
  #beatDue = false
  /** Whether the reader waits for more. If not, it has not taken the last part yet. */
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

  /** A token of this app expired. */
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

  /** Tells the reader to ask about all its tokens. */
  reset(): void {
    this.#expired = []
    this.#resetDue = true
    this.wake()
  }

  /** Sends a sign of life, or gives up on a reader that takes nothing. */
  beat(): void {
    this.#stalledBeats = this.#pulling ? 0 : this.#stalledBeats + 1
    if (this.#stalledBeats >= STALLED_BEATS_MAX) {
      this.giveWay()
      return
    }
    this.#beatDue = true
    this.wake()
  }

  /** The realm is no longer served. The reader is told after the current part. */
  endWithRealm(): void {
    this.#isRealmClosed = true
    this.wake()
  }

  /** Ends after the current part. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#parts.onEnd()
    this.wake()
  }

  /** Ends at once. The reader can resume at its last event. */
  giveWay(): void {
    this.end()
    this.#disconnect.abort()
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    const events = this.#events()
    return {
      next: async () => {
        this.#pulling = true
        // Until a part has come this may be the end, including when reading fails.
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

  /** The events of the rows available now, at most a page of them. */
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

  /** Expiry is not in the log, so these events do not move the reader's position. */
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
