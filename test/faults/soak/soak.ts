import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import {
  callerFacts,
  collectEntries,
  collectExpired,
  EXPIRING_KINDS,
  GC_BATCH_MAX,
  issueTokens,
  mintText,
  type Realm,
  Realms,
  revokePrincipals,
  revokeToken,
} from '@rescind/authority'
import { Floor, type TokenRecord } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import { openSqlite } from '@rescind/stores'
import { ReceiptUpkeep } from '../../../server/receipts/upkeep.ts'
import { HandClock, MASTER, START_MS } from '../../kit/realm.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { makeHome } from '../../kit/server.ts'

/** The server's default audit retention. */
const RETENTION_DAYS = 400
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const RETENTION_MS = RETENTION_DAYS * DAY_MS
/**
 * Simulated time of one round: after fourteen rounds every cutoff of the first has outlived the tokens that it covers.
 */
const ROUND_MS = 30 * DAY_MS
/** Calls that together visit the whole index once. */
const SLICES = 64

export type SoakSize = {
  readonly tokens: number
  readonly consumptions: number
  readonly entries: number
  readonly ended: number
  readonly indexBytes: number
  readonly cutoffs: number
  /** Size of the database file, once everything is written back to it. */
  readonly fileBytes: number
  /** Rows of the default realm's log, including those that are kept after trimming. */
  readonly logRows: number
  readonly keptRows: number
  readonly logBytes: number
  readonly heapBytes: number
}

export type SoakAsk = {
  readonly rounds: number
  readonly tokens: number
  readonly onRound: (size: SoakSize) => void
}

/**
 * Issues, uses, rotates, revokes and lets tokens expire on the embedded store, round after round, and reports what is
 * left.
 */
export async function soak({ rounds, tokens, onRound }: SoakAsk): Promise<void> {
  const home = makeHome()
  const path = join(home.folder, 'soak.db')
  const clock = new HandClock()
  const store = await openSqlite(path, START_MS)
  try {
    const defer = (task: () => void): void => void setImmediate(task)
    const realms = await Realms.open({
      store,
      clock,
      master: MASTER,
      random: new SeededRandom('soak'),
      defer,
    })
    const realm = realms.default
    const read = (): { wallMs: number; monotonicMs: number } => ({
      wallMs: clock.wallMs(),
      monotonicMs: clock.monotonicMs(),
    })
    const floor = new Floor(await store.floor(), read())
    const receipts = new ReceiptUpkeep(realms, RETENTION_MS)
    for (let round = 0; round < rounds; round += 1) {
      await liveThrough(realm, round, tokens)
      clock.advance(ROUND_MS)
      realms.ledger.raiseFloor(floor.raise(read()))
      await realms.ledger.settleFloor()
      for (let slice = 0; slice < SLICES; slice += 1) realm.index.dropExpired(slice)
      while ((await collectExpired(realms, store)) === GC_BATCH_MAX);
      while ((await collectEntries(realms, store)) === GC_BATCH_MAX);
      for (const one of realms.all()) await receipts.round(one, () => false)
      onRound(measure(path, realm))
    }
    await realms.ledger.close()
  } finally {
    await store.close()
    home.remove()
  }
}

async function liveThrough(realm: Realm, round: number, tokens: number): Promise<void> {
  const made: { raw: RawToken; record: TokenRecord }[] = []
  for (let nth = 0; nth < tokens; nth += 100) {
    const raws = Array.from({ length: Math.min(100, tokens - nth) }, () => mintText('rsa_', realm.random))
    const intents = raws.map((raw, at) => ({
      raw,
      kind: at % 10 === 0 ? ('refresh' as const) : ('access' as const),
      source: 'oauth',
      client: `client ${(nth + at) % 7}`,
      subject: `subject ${nth + at} of ${round}`,
      expiresAtMs: realm.nowMs() + HOUR_MS * (1 + at),
    }))
    const issued = await issueTokens(realm, { ...callOf(realm), tokens: intents })
    if (issued.kind !== 'issued') throw new Error(issued.kind)
    for (const [at, record] of issued.records.entries()) made.push({ raw: raws[at] as RawToken, record })
  }
  for (const { raw } of made)
    if ((await realm.find(raw)).verdict.kind !== 'active') throw new Error('not active')
  const spent = made.filter(({ record }) => record.kind === 'refresh')
  await realm.commit({
    realm: realm.ordinal,
    dependsOn: [],
    expects: [],
    operations: spent.map(({ record }) => ({
      kind: 'consume',
      handle: record.handle,
      sealed: Buffer.alloc(64),
    })),
  })
  const entry = {
    kind: EXPIRING_KINDS.idempotency,
    value: Buffer.alloc(100),
    expiresAtMs: realm.nowMs() + DAY_MS,
  }
  const entries = Array.from(
    { length: 20 },
    (_, nth) => ({ kind: 'put-expiring', entry: { ...entry, id: `${round} ${nth}` } }) as const,
  )
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: entries })
  const act = { caller: callOf(realm).caller, how: 'soak' }
  await Promise.all(
    made.filter((_, nth) => nth % 2 === 0).map(({ record }) => revokeToken(realm, record, act)),
  )
  const cutoff = {
    shape: 'subject',
    principals: { source: 'oauth', subject: `subject 1 of ${round}` },
  } as const
  await revokePrincipals(realm, cutoff, act)
}

function callOf(realm: Realm): Pick<Parameters<typeof issueTokens>[1], 'judgedAt' | 'caller'> {
  const judgedAt = realm.position()
  const facts = callerFacts({ source: 'control', client: 'soak' }, judgedAt)
  return { judgedAt, caller: { id: 'soak', from: 'local', dependency: { realm: realm.ordinal, facts } } }
}

function measure(path: string, { index }: Realm): SoakSize {
  const db = new DatabaseSync(path, { readOnly: true })
  const one = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0)
  const size = {
    tokens: one('SELECT count(*) FROM token'),
    consumptions: one('SELECT count(*) FROM consumption'),
    entries: one("SELECT count(*) FROM memo WHERE kind = 'idempotency'"),
    logRows: one('SELECT count(*) FROM log'),
    keptRows: one('SELECT count(*) FROM log_kept'),
    logBytes: one('SELECT total(length(rule) + length(audit) + length(chain) + 24) FROM log'),
    ended: index.ended.size,
    indexBytes: index.ended.bytes,
    cutoffs: index.cutoffs.get('subject')?.size ?? 0,
    fileBytes: one('PRAGMA page_count') * one('PRAGMA page_size'),
    heapBytes: process.memoryUsage().heapUsed,
  }
  db.close()
  return size
}
