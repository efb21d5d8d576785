import {
  EXPIRING_KINDS,
  type ExpiringEntry,
  type IsValue,
  KEY_PURPOSES,
  type Realm,
  readValue,
  seal,
  shaped,
  subkey,
  unseal,
} from '@rescind/authority'
import { sha256 } from '@rescind/core/bytes'
import type { Answer, Stale, WireRequest } from '@rescind/dialects'
import { type Problem, problem } from '../../http/problem.ts'
import { BoundedEntries } from '../../machine/bounded-entries.ts'
import { RunningCall } from '../../machine/running-calls.ts'
import type { Once } from '../../rules/write.ts'
import type { By } from './by.ts'

/** How long an answer can be repeated. */
export const REPLAY_MS = 86_400_000
/**
 * Characters of an answer that is kept. A longer one would be carried out again; no endpoint of ours answers so much.
 */
const KEPT_MAX_CHARS = 262_144
/** Characters of a key. */
const KEY_MAX_CHARS = 255
const KIND = EXPIRING_KINDS.idempotency
/** How many answers, and how many bytes of them, one control key may keep in one realm. Its oldest go early. */
const ANSWERS_MAX = 10_000
const ANSWER_BYTES_MAX = 33_554_432

/** Says that a request was carried out, written in the same write; its answer follows. */
type Mark = { readonly fingerprint: string; readonly pending: true }

type Kept = {
  readonly fingerprint: string
  readonly pending?: undefined
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const isOpened: IsValue = (value) => IS_MARK(value) || IS_ANSWER(value)
const IS_MARK = shaped({ fingerprint: 'text', pending: 'flag' })
const IS_ANSWER = shaped({ fingerprint: 'text', status: 'number', headers: 'members', body: 'text' })

export type Keyed = { readonly realm: Realm; readonly by: By; readonly request: WireRequest }

export type Act = {
  readonly run: (once: Once | undefined) => Promise<Answer | Stale>
  /** Finds the outcome under an id whose first answer was lost; undefined: unknown. */
  readonly recover?: (id: string) => Promise<Answer | undefined>
}

/**
 * `Idempotency-Key`: the first answer is repeated for 24 hours to the same control key in the same realm, unless newer
 * answers of that key have pushed it out. The same key with another request is 422, and 409 while the first one is
 * running, here or in another process. The answer is stored sealed beside the log, and sent only once it is durable.
 */
export class Idempotency {
  readonly #running: Set<string> = new Set()
  readonly #entries: BoundedEntries

  constructor(answersMax: number = ANSWERS_MAX) {
    this.#entries = new BoundedEntries({ kind: KIND, countMax: answersMax, bytesMax: ANSWER_BYTES_MAX })
  }

  /**
   * Runs `act` once per key; without the header it just runs it. Calls of verifiers keep nothing, because repeating
   * them is harmless and they are as frequent as token checks.
   */
  async run(of: Keyed, act: Act): Promise<Answer | Stale> {
    if (of.by.kind === 'verifier') return await act.run(undefined)
    const key = keyOf(of.request)
    if (key === undefined) return await act.run(undefined)
    if (typeof key !== 'string') return key
    return this.#once(this.#named(of, key), act)
  }

  #named(of: Keyed, key: string): Named {
    const { id: owner } = of.by
    const [id, earlierId] = [this.#entries.idOf(owner, key), this.#entries.earlierIdOf(owner, key)]
    return { ...of, id, earlierId }
  }

  async #once(of: Named, act: Act): Promise<Answer | Stale> {
    const name = `${of.realm.name}:${of.id}`
    if (this.#running.has(name)) return STILL_RUNNING
    this.#running.add(name)
    try {
      return await this.#alone(of, act)
    } finally {
      this.#running.delete(name)
    }
  }

  /** While no other process runs it. */
  async #alone(of: Named, act: Act): Promise<Answer | Stale> {
    const call = await RunningCall.begin(of.realm, of.id)
    if (call === undefined) return STILL_RUNNING
    try {
      return await this.#first({ ...of, call }, act)
    } finally {
      await call.end()
    }
  }

  async #first(of: Begun, act: Act): Promise<Answer | Stale> {
    const own = await read(of)
    const kept = own ?? (await read({ ...of, id: of.earlierId }))
    const id = own === undefined ? of.earlierId : of.id
    const fingerprint = fingerprintOf(of.request)
    if (kept !== undefined && kept.fingerprint !== fingerprint) return reused()
    if (kept?.pending === true) return (await act.recover?.(id)) ?? LOST
    if (kept !== undefined) return replay(kept)
    const mark = entryOf(of, { fingerprint, pending: true })
    const unlessAliveAtMs = of.realm.nowMs()
    const answer = await act.run({
      id: of.id,
      mark: { kind: 'put-expiring', entry: mark, unlessAliveAtMs },
    })
    if (isFinal(answer)) await this.#keep(of, { ...answer, fingerprint })
    return answer
  }

  async #keep(of: Begun, { fingerprint, status, headers, body }: Answered): Promise<void> {
    const kept = entryOf(of, { fingerprint, status, headers, body })
    await of.call.endWith(await this.#entries.put(of.realm, kept))
  }
}

export const STILL_RUNNING: Problem = problem(
  409,
  'a request with this Idempotency-Key is still running; repeat it later',
  { 'retry-after': '1' },
)

type Named = Keyed & { readonly id: string; readonly earlierId: string }
type Begun = Named & { readonly call: RunningCall }

async function read(of: Named): Promise<Kept | Mark | undefined> {
  const entry = await of.realm.store.expiring(of.realm.ordinal, { kind: KIND, id: of.id })
  return entry === undefined || entry.expiresAtMs <= of.realm.nowMs() ? undefined : opened(of, entry.value)
}

/** RFC 8941 §3.3.3, except that text of any language is accepted. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/

/** The header's key, which may be any text: a quoted structured-field string or, as most clients send it, bare. */
export function keyOf(request: WireRequest): string | undefined | Problem {
  const header = request.header('idempotency-key')
  if (header === undefined) return undefined
  const key = QUOTED.exec(header)?.[1]?.replaceAll(/\\(.)/g, '$1') ?? header
  if (isKey(key)) return key
  return problem(
    400,
    `Idempotency-Key: text of 1 to ${KEY_MAX_CHARS} characters without control characters, in UTF-8`,
  )
}

function isKey(key: string): boolean {
  const chars = Array.from(key)
  return chars.length > 0 && chars.length <= KEY_MAX_CHARS && !/\p{Cc}/u.test(key)
}

type Final = Answer & { readonly body: string }

/** Whether a later call may get this answer again: no outage, no rate limit, no stream and no overlong answer. */
function isFinal(answer: Answer | Stale): answer is Final {
  if (answer === 'stale' || typeof answer.body !== 'string') return false
  return answer.status < 500 && answer.status !== 429 && answer.body.length <= KEPT_MAX_CHARS
}

const LOST: Problem = problem(
  409,
  'a request with this Idempotency-Key was done, and its answer was lost when the server ended; look it up',
)

function reused(): Problem {
  return problem(422, 'this Idempotency-Key belongs to another request; use a new one')
}

function replay({ status, headers, body }: Kept): Answer {
  return { status, body, headers: { ...headers, 'idempotent-replayed': 'true' } }
}

function fingerprintOf({ method, path, query, body }: WireRequest): string {
  const head = JSON.stringify([method, path, query ?? ''])
  return sha256(Buffer.concat([Buffer.from(`${head}\n`, 'utf8'), body])).toString('base64url')
}

type Answered = Final & { readonly fingerprint: string }

function entryOf({ realm, id }: Named, plain: Kept | Mark): ExpiringEntry {
  const sealing = { key: keyFor(realm, id), associated: associated(realm, id), random: realm.random }
  const value = seal(sealing, Buffer.from(JSON.stringify(plain), 'utf8'))
  return { kind: KIND, id, value, expiresAtMs: realm.nowMs() + REPLAY_MS }
}

function opened({ realm, id }: Named, value: Uint8Array): Kept | Mark | undefined {
  const plain = unseal(keyFor(realm, id), value, associated(realm, id))
  return plain === undefined ? undefined : readValue(plain, 'an answer that was kept for a retry', isOpened)
}

function keyFor(realm: Realm, id: string): Buffer {
  return subkey(realm.keys.sealKey, KEY_PURPOSES.idempotentAnswer(id))
}

function associated(realm: Realm, id: string): string {
  return `idempotency:${realm.name}:${id}`
}
