/** How the tests of this folder read a stream; holds no test itself. */
import assert from 'node:assert/strict'
import type { Answer } from '@rescind/dialects'
import { wireRequest } from '../../../test/kit/request.ts'
import { ADMIN, type ChatWorld } from '../fixture.test.ts'

export type Event = {
  readonly id: string
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Reads one stream, event by event. Signs of life are counted separately. */
export class Reader {
  readonly answer: Answer
  readonly #parts: AsyncIterator<string>
  #waiting: Event[] = []
  beats = 0
  lastId = ''

  constructor(answer: Answer) {
    this.answer = answer
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['content-type'], 'text/event-stream')
    assert.ok(typeof answer.body === 'object' && Symbol.asyncIterator in answer.body)
    this.#parts = answer.body[Symbol.asyncIterator]()
  }

  /** @returns undefined when the stream has ended. */
  async next(): Promise<Event | undefined> {
    for (;;) {
      const first = this.#waiting.shift()
      if (first !== undefined) return first
      const part = await this.#parts.next()
      if (part.done === true) return undefined
      this.#take(part.value)
    }
  }

  /** The events up to the next sign of life. */
  async untilBeat(): Promise<readonly Event[]> {
    for (const { beats } = this; this.beats === beats; ) {
      const part = await this.#parts.next()
      if (part.done === true) break
      this.#take(part.value)
    }
    return this.#waiting.splice(0)
  }

  #take(text: string): void {
    assert.ok(text.endsWith('\n\n'), 'a part holds whole events')
    for (const block of text.slice(0, -2).split('\n\n')) {
      const lines = block.split('\n')
      const field = (name: string): string =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
      if (field('id') !== '') this.lastId = field('id')
      if (field('data') === '') this.beats += 1
      else {
        const data = JSON.parse(field('data')) as Event['data']
        this.#waiting.push({ id: field('id'), event: field('event'), data })
      }
    }
  }

  async stop(): Promise<void> {
    await this.#parts.return?.()
  }
}

export const APP: string = '/admin/revocations'
export const clientPath = (client: string): string => `/admin/clients/${client}/revocations`

export async function openReader(
  { dialect, realm }: Pick<ChatWorld, 'dialect' | 'realm'>,
  path: string,
  headers: Record<string, string> = ADMIN,
): Promise<Reader> {
  const reader = new Reader(await dialect.handle(realm, wireRequest({ method: 'GET', path, headers })))
  const first = await reader.next()
  assert.equal(first?.event, 'ready')
  return reader
}

export async function handleOf(world: ChatWorld, token: string): Promise<string> {
  return (await world.recordOf(token))?.handle ?? assert.fail('no record')
}
