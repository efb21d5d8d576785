import {
  type Awaitable,
  after,
  type Realm,
  seal,
  sha256,
  sha256Base64url,
  subkey,
  unseal,
} from '@rescind/core'
import type { Answer, Stale, WireRequest } from '@rescind/dialects'
import type { By } from './endpoint.ts'
import { type Problem, problem } from './problem.ts'

/** How long an answer can be had again. */
export const REPLAY_MS = 86_400_000
/** Characters of an answer that is kept; a longer one is done again, which no endpoint of ours needs. */
const KEPT_MAX_CHARS = 262_144
/** Of the header, printable ASCII without quotes. */
const KEY = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/
const KIND = 'idempotency'

type Kept = {
  readonly fingerprint: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Keyed = { readonly realm: Realm; readonly by: By; readonly request: WireRequest }

/**
 * `Idempotency-Key`: what was answered once is answered again for 24 hours, to the same control key in the same
 * realm; the same key with another request is 422, and 409 while the first one is running. The answer is kept sealed
 * beside the log, and sent only when it is durable.
 */
export class Idempotency {
  readonly #running: Set<string> = new Set()

  /** Runs `act` once for a key; without the header, simply. */
  run(of: Keyed, act: () => Awaitable<Answer | Stale>): Awaitable<Answer | Stale> {
    const key = keyOf(of.request)
    if (key === undefined) return act()
    if (typeof key !== 'string') return key
    return this.#once({ ...of, id: sha256Base64url(`${of.by.id}\0${key}`) }, act)
  }

  async #once(of: Named, act: () => Awaitable<Answer | Stale>): Promise<Answer | Stale> {
    const name = `${of.realm.name}:${of.id}`
    if (this.#running.has(name))
      return problem(409, 'a request with this Idempotency-Key is running', { 'retry-after': '1' })
    this.#running.add(name)
    try {
      const kept = await after(of.realm.store.memo(of.realm.ordinal, { kind: KIND, id: of.id }), (memo) =>
        memo === undefined || memo.expiresAtMs <= of.realm.nowMs() ? undefined : opened(of, memo.value),
      )
      const fingerprint = fingerprintOf(of.request)
      if (kept !== undefined) return kept.fingerprint === fingerprint ? replay(kept) : reused()
      const answer = await act()
      if (isFinal(answer)) await keep(of, { ...answer, fingerprint })
      return answer
    } finally {
      this.#running.delete(name)
    }
  }
}

type Named = Keyed & { readonly id: string }

/** RFC 9110 §9.2.1. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** The header's key: a structured-field string in quotes, or bare as most clients send it. */
export function keyOf(request: WireRequest): string | undefined | Problem {
  const header = request.header('idempotency-key')
  if (header === undefined) return undefined
  const bare = /^".*"$/.test(header) ? header.slice(1, -1) : header
  return KEY.test(bare)
    ? bare
    : problem(400, 'Idempotency-Key: 1 to 255 printable characters, in quotes or bare')
}

type Final = Answer & { readonly body: string }

/** What a later call may be told again: not an outage, not a limit, and nothing that is still being written. */
function isFinal(answer: Answer | Stale): answer is Final {
  if (answer === 'stale' || typeof answer.body !== 'string') return false
  return answer.status < 500 && answer.status !== 429 && answer.body.length <= KEPT_MAX_CHARS
}

function reused(): Problem {
  return problem(422, 'this Idempotency-Key was used for another request')
}

function replay({ status, headers, body }: Kept): Answer {
  return { status, body, headers: { ...headers, 'idempotent-replayed': 'true' } }
}

function fingerprintOf({ method, path, query, body }: WireRequest): string {
  const head = JSON.stringify([method, path, query ?? ''])
  return sha256(Buffer.concat([Buffer.from(`${head}\n`, 'utf8'), body])).toString('base64url')
}

async function keep(
  { realm, id }: Named,
  { fingerprint, status, headers, body }: Final & Kept,
): Promise<void> {
  const plain: Kept = { fingerprint, status, headers, body }
  const sealing = { key: keyFor(realm, id), associated: associated(realm, id), random: realm.random }
  const value = seal(sealing, Buffer.from(JSON.stringify(plain), 'utf8'))
  const memo = { kind: KIND, id, value, expiresAtMs: realm.nowMs() + REPLAY_MS }
  await realm.commit({
    realm: realm.ordinal,
    standsOn: [],
    expects: [],
    operations: [{ kind: 'put-memo', memo }],
  })
}

/** Sealed by this program alone, hence the cast. */
function opened({ realm, id }: Named, value: Uint8Array): Kept | undefined {
  const plain = unseal(keyFor(realm, id), value, associated(realm, id))
  return plain === undefined ? undefined : (JSON.parse(plain.toString('utf8')) as Kept)
}

function keyFor(realm: Realm, id: string): Buffer {
  return subkey(realm.keys.sealKey, `${KIND}:${id}`)
}

function associated(realm: Realm, id: string): string {
  return `${KIND}:${realm.name}:${id}`
}
