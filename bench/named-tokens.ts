import { randomBytes } from 'node:crypto'
import { type MasterKey, putToken, type Realm, Realms, recordOf, type Store } from '@rescind/authority'
import { ancestorsFrom, type TokenRecord } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import { previewOf } from '../server/rules/preview.ts'
import { percentile } from './statistics.ts'

const PER_SUBJECT = 46
const PER_CLIENT = 1_000
const PREVIEWS = 200
const DAY_MS = 86_400_000
const MASTER: MasterKey = { bytes: Buffer.alloc(32, 9) }

export function openRealms(store: Store): Promise<Realms> {
  return Realms.open({
    store,
    master: MASTER,
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: { bytes: (count) => randomBytes(count) },
    defer: (task) => setImmediate(task),
  })
}

export type Some = { readonly from: number; readonly count: number; readonly of: number }

/** Logins of four tokens: one in four is a refresh token, and the next three descend from it and are of its grant. */
export function namedTokens(realm: Realm, { from, count, of }: Some): readonly TokenRecord[] {
  const at = { position: realm.position(), issuedAtMs: realm.nowMs() }
  const [subjects, clients] = [Math.ceil(of / PER_SUBJECT), Math.ceil(of / PER_CLIENT)]
  let parent: TokenRecord | undefined
  return Array.from({ length: count }, (_, nth) => {
    const number = from + nth
    const login = number >>> 2
    if (number % 4 === 0) parent = undefined
    const raw = RawToken.parse(`token ${number} ${randomBytes(16).toString('base64url')}`)
    if (raw === undefined) throw new Error('not the text of a token')
    const names = {
      source: 'oauth',
      client: `client-${login % clients}`,
      subject: `user-${login % subjects}`,
    }
    const kind = number % 4 === 0 ? 'refresh' : 'access'
    const above = parent === undefined ? {} : { grant: parent.grant, ancestors: ancestorsFrom([parent]) }
    const expiresAtMs = at.issuedAtMs + DAY_MS + number
    const record = recordOf(realm, { raw, kind, ...names, ...above, scope: 'read', expiresAtMs }, at)
    parent ??= record
    return record
  })
}

export async function putTokens(realm: Realm, of: number, group = 1_000): Promise<void> {
  for (let from = 0; from < of; from += group) {
    const records = namedTokens(realm, { from, count: Math.min(group, of - from), of })
    await realm.commit({
      realm: realm.ordinal,
      dependsOn: [],
      expects: [],
      operations: records.map(putToken),
    })
  }
}

/** Previews persons of 46 tokens and clients of 1,000, and says how long that takes. */
export async function previewNames(realm: Realm, of: number): Promise<void> {
  const [subjects, clients] = [Math.ceil(of / PER_SUBJECT), Math.ceil(of / PER_CLIENT)]
  await previews(realm, 'subject', (nth) => `user-${(nth * 97) % subjects}`)
  await previews(realm, 'client', (nth) => `client-${(nth * 97) % clients}`)
}

async function previews(
  realm: Realm,
  shape: 'subject' | 'client',
  name: (nth: number) => string,
): Promise<void> {
  const times = new Float64Array(PREVIEWS)
  let [most, complete] = [0, 0]
  const monotonicMs = (): number => performance.now()
  for (let nth = 0; nth < PREVIEWS; nth += 1) {
    const target: Target = { kind: 'cut', shape, principals: { source: 'oauth', [shape]: name(nth) } }
    const beganMs = monotonicMs()
    const ask = { deadlineMs: beganMs + 5_000, monotonicMs, wasUsed: async () => false }
    const shown = await previewOf(realm, { ...ask, resolved: { targets: [target] } })
    times[nth] = monotonicMs() - beganMs
    most = Math.max(most, shown.tokens)
    if (shown.complete) complete += 1
  }
  const at = (share: number): string => `${percentile(times, share).toFixed(1)} ms`
  console.log(
    `preview of a ${shape}: p50 ${at(0.5)}, p99 ${at(0.99)}; ${complete} of ${PREVIEWS} complete, ${most} tokens at most`,
  )
}
