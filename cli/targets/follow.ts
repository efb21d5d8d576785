import { CommandFailed, WrongUse } from '../frame/failure.ts'
import type { Io } from '../frame/io.ts'
import { type Line, paint } from '../frame/lines.ts'
import type { LiveLines } from '../frame/live-lines.ts'
import type { Client, ControlPath } from '../remote/client.ts'
import { type StreamEvent, streamEvents } from '../remote/events.ts'
import { listOf, type Members, membersOf, textOf } from '../remote/members.ts'
import { isFinal } from '../remote/passing.ts'
import { instanceLine, instanceTable } from './receipt-lines.ts'

const WAIT_MAX_SECONDS = 600
/** Rows of the live table; with more, the terminal would scroll. */
const ROWS_MAX = 15
/** Between two tries to follow a stream that cannot be had now. */
const PAUSE_MS = 1_000
/** After the time that was asked for, a server that says nothing is not waited for. */
const GRACE_MS = 2_000

/** How the waiting ended. `unknown`: the server does not say it any more, for a reason. */
export type Followed = {
  readonly end: 'enforced' | 'timeout' | 'interrupted' | 'unknown'
  readonly why?: string
}

/** Milliseconds of `--wait`; undefined without it. @throws WrongUse. */
export function waitMsIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
  if (!(seconds <= WAIT_MAX_SECONDS))
    throw new WrongUse('--wait: a number of seconds', `at most ${WAIT_MAX_SECONDS}, as in --wait=30`)
  return seconds * 1_000
}

/** Follows a receipt until every verifier refuses what it covers, and shows who does. */
export async function followReceipt(
  { client, io }: { readonly client: Client; readonly io: Io },
  id: string,
  waitMs: number,
): Promise<Followed> {
  const view = new View(io)
  const untilMs = performance.now() + waitMs
  for (;;) {
    const leftMs = Math.max(0, Math.ceil(untilMs - performance.now()))
    const ended = await onePart({ client, io }, id, { view, leftMs })
    if (ended !== undefined) {
      view.close()
      return ended
    }
    if (performance.now() >= untilMs) {
      view.close()
      return { end: 'timeout' }
    }
    if (io.interrupted.aborted) return { end: 'interrupted' }
    await new Promise((resolve) => {
      setTimeout(resolve, PAUSE_MS)
    })
  }
}

type Part = { readonly view: View; readonly leftMs: number }

/** One stream to its end. @returns undefined to open another one. */
async function onePart(
  { client, io }: { readonly client: Client; readonly io: Io },
  id: string,
  { view, leftMs }: Part,
): Promise<Followed | undefined> {
  const path: ControlPath = `/revocations/${encodeURIComponent(id)}/events`
  try {
    const query = { timeoutMs: String(leftMs) }
    const response = await client.stream('GET', path, { query, wholeMs: leftMs + GRACE_MS })
    for await (const event of streamEvents(response, client.target.url)) {
      view.take(event)
      if (event.event === 'end') return endOf(textOf(dataOf(event)['why']))
    }
    return undefined
  } catch (error) {
    if (io.interrupted.aborted) return { end: 'interrupted' }
    if (!(error instanceof CommandFailed)) throw error
    return isFinal(error) ? { end: 'unknown', why: error.message } : undefined
  }
}

function endOf(why: string): Followed | undefined {
  if (why === 'enforced') return { end: 'enforced' }
  if (why === 'timeout') return { end: 'timeout' }
  if (why === 'key') return { end: 'unknown', why: 'the key has been ended meanwhile' }
  if (why === 'realm') return { end: 'unknown', why: 'the realm is not served any more' }
  return undefined
}

/** What is known of each verifier: a table in place on a terminal, a line for each change elsewhere. */
class View {
  readonly #io: Io
  readonly #live: LiveLines | undefined
  readonly #instances: Map<string, Members> = new Map()

  constructor(io: Io) {
    this.#io = io
    this.#live = io.hasLiveErrors ? io.liveProgress() : undefined
  }

  take(told: StreamEvent): void {
    const { event } = told
    const body = dataOf(told)
    if (event === 'receipt') for (const one of listOf(body['instances'])) this.#set(one)
    else if (event === 'instance') this.#set(body)
    else if (event === 'gone') this.#instances.delete(keyOf(body))
    this.#live?.draw(this.#lines())
  }

  /** The result shows the table once more. */
  close(): void {
    this.#live?.clear()
  }

  #set(one: Members): void {
    const before = this.#instances.get(keyOf(one))
    this.#instances.set(keyOf(one), one)
    if (this.#live === undefined && before?.['state'] !== one['state']) this.#io.note(instanceLine(one))
  }

  #lines(): readonly Line[] {
    const all = [...this.#instances.values()]
    const behind = all.filter(({ state }) => state === 'behind')
    const first = [...behind, ...all.filter(({ state }) => state !== 'behind')].slice(0, ROWS_MAX)
    const left = all.length - first.length
    const head = `Waiting: ${all.length - behind.length} of ${all.length} verifiers refuse it (Ctrl-C stops waiting; it stays revoked)`
    return [paint('bold', head), ...instanceTable(first), ...(left > 0 ? [`and ${left} more`] : [])]
  }
}

function dataOf({ data }: StreamEvent): Members {
  try {
    return membersOf(JSON.parse(data))
  } catch {
    throw new CommandFailed('the answer broke off', { next: 'repeat it' })
  }
}

function keyOf(one: Members): string {
  return `${textOf(one['verifier'])}\0${textOf(one['instance'])}`
}
