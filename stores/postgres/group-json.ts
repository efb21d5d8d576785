import {
  type ConflictWhat,
  dependencyKeys,
  type FoldedLog,
  type Group,
  type GroupOutcome,
  type LogHead,
  type NewRow,
  ownDependencies,
  type Write,
  type WriteOutcome,
} from '@rescind/authority'
import { ContractBroken, type RealmOrdinal, realmOrdinal, type TokenFacts } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { type ChainedLogRow, settleKeep } from '@rescind/core/log'
import { hex, type StoredOperation, storedOperations, uuids } from './operations.ts'

/** The parameters of `group_1` that say what it writes. */
export type GroupJson = {
  readonly realms: string
  readonly deps: string
  readonly writes: string
  readonly upkeep: string | null
}

export type GroupReply = {
  readonly writes: readonly number[]
  readonly codes: readonly number[]
  readonly stale: readonly number[]
  readonly forked: readonly number[]
  readonly forks: readonly number[]
  readonly heads: readonly {
    readonly r: number
    readonly from: number
    readonly seq: number
    readonly chain: string
    readonly at: number
    readonly groups: number
    readonly ordinal: number
    /** Rows whose rule is kept longer than the node knew: seq and keep. */
    readonly keeps: readonly (readonly [seq: number, keepUntilMs: number])[] | null
  }[]
}

export type MissedRow = readonly [
  realm: number,
  seq: number,
  at: number,
  kind: number,
  rule: string,
  audit: string | null,
  auditHash: string | null,
  chain: string,
]

/** The codes of conflicts in `apply_1`. */
const CONFLICTS: ReadonlyMap<number, ConflictWhat> = new Map([
  [-1, 'token-exists'],
  [-2, 'token-missing'],
  [-3, 'consumed'],
  [-4, 'record-changed'],
  [-5, 'key-taken'],
  [-6, 'expiring-exists'],
])

/** @param fence of the upkeep; undefined: another node has it. */
export function encodeGroup({ writes, folded }: Group, fence?: number): GroupJson {
  const own = new Map<RealmOrdinal, StoredOperation[]>()
  const halfway = new Set<RealmOrdinal>()
  const others = new Set<RealmOrdinal>()
  const deps: unknown[] = []
  const known: KnownKeys = new Map()
  writes.forEach((write, w) => {
    const operations = own.get(write.realm) ?? []
    own.set(write.realm, operations)
    for (const one of storedOperations(write, folded?.get(write.realm))) operations.push({ w, ...one })
    if (write.operations.length > 1) halfway.add(write.realm)
    for (const { realm } of write.dependsOn) others.add(realm)
    if (folded !== undefined) for (const dep of dependencies(write, folded, known)) deps.push({ w, ...dep })
  })
  const upkeep = writes.flatMap(({ isUpkeep }, w) => (isUpkeep === true ? [w] : []))
  const realms = [...new Set([...own.keys(), ...others])].sort((left, right) => left - right)
  return {
    realms: jsonText(
      realms.map((r) => {
        const log = folded?.get(r)
        if (log === undefined) return { r, own: own.has(r) }
        return { r, own: own.has(r), ordinal: log.ordinal, seq: log.seq, chain: hex(log.chain) }
      }),
    ),
    deps: jsonText(deps),
    writes: jsonText(
      [...own.keys()]
        .sort((left, right) => left - right)
        .map((r) => ({ r, plain: !halfway.has(r), ops: own.get(r) })),
    ),
    upkeep: upkeep.length === 0 ? null : jsonText({ fence: fence ?? null, writes: upkeep }),
  }
}

/** PostgreSQL refuses a lone surrogate, which JSON writes as an escape; it becomes U+FFFD, as in UTF-8. */
function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return text.includes('\\ud') ? JSON.stringify(value, wellFormed) : text
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value
}

type Depends = { readonly r: RealmOrdinal; readonly keys: readonly string[] }

/** The keys of facts, by realm and by what they are made of: the writes of a group mostly have few callers. */
type KnownKeys = Map<string, readonly string[]>

/** Also names the write's own realm without a key: a new epoch concerns every write. */
function dependencies(
  write: Write,
  folded: ReadonlyMap<RealmOrdinal, FoldedLog>,
  known: KnownKeys,
): readonly Depends[] {
  const byRealm = new Map<RealmOrdinal, string[]>()
  const keysIn = (realm: RealmOrdinal): string[] => {
    const keys = byRealm.get(realm) ?? []
    byRealm.set(realm, keys)
    return keys
  }
  const digestKeyOf = (realm: RealmOrdinal): string => {
    const log = folded.get(realm)
    if (log === undefined) throw new ContractBroken(`a write depends on realm ${realm}, which is not open`)
    return log.digestKey
  }
  keysIn(write.realm).push(...uuids(ownDependencies(digestKeyOf(write.realm), write)))
  for (const { realm, facts } of write.dependsOn) {
    const named = `${realm} ${namesOf(facts)}`
    const keys = known.get(named) ?? uuids(dependencyKeys(digestKeyOf(realm), facts))
    known.set(named, keys)
    keysIn(realm).push(...keys)
  }
  return [...byRealm].map(([r, keys]) => ({ r, keys }))
}

/** All that keys may be made of, and so without when it was issued and until when. */
function namesOf({
  position: _position,
  issuedAtMs: _issued,
  notBeforeMs: _before,
  ...named
}: TokenFacts): string {
  return JSON.stringify(named)
}

/**
 * Also writes the keeps that the commit decided into the rows of the group.
 * @param missed undefined: it is not known, so that all realms have to be read again.
 */
export function decodeReply(
  group: Group,
  reply: GroupReply,
  missed: readonly MissedRow[] | undefined,
): GroupOutcome {
  const { writes } = group
  const heads = new Map<RealmOrdinal, LogHead>()
  const times = new Map<RealmOrdinal, number>()
  for (const { r, seq, chain, at } of reply.heads) {
    heads.set(realmOrdinal(r), { seq, chain: Buffer.from(chain, 'hex') })
    times.set(realmOrdinal(r), at)
  }
  const codes = new Map(reply.writes.map((w, nth) => [w, reply.codes[nth] ?? 0]))
  const stale = new Set([...reply.stale, ...reply.forked])
  const outcomes = writes.map((_write, w): WriteOutcome => {
    if (stale.has(w)) return { kind: 'stale' }
    const code = codes.get(w)
    if (code === undefined) throw new ContractBroken(`a group's reply without write ${w}`)
    const what = CONFLICTS.get(code)
    if (what !== undefined) return { kind: 'conflict', what }
    return { kind: 'applied', firstSeq: code }
  })
  settleKeeps(writes, outcomes, reply)
  return {
    outcomes,
    heads,
    timesMs: times,
    missed: missed === undefined ? nothingOf(group) : rowsByRealm(missed),
    forked: reply.forks.map(realmOrdinal),
  }
}

function settleKeeps(
  writes: readonly Write[],
  outcomes: readonly WriteOutcome[],
  { heads }: GroupReply,
): void {
  for (const { r, keeps } of heads) {
    if (keeps === null || keeps.length === 0) continue
    const bySeq = new Map(keeps)
    writes.forEach((write, w) => {
      const outcome = outcomes[w]
      if (write.realm !== r || outcome?.kind !== 'applied') return
      let seq = outcome.firstSeq
      for (const row of rowsOf(write)) {
        const keepUntilMs = bySeq.get(seq)
        if (keepUntilMs !== undefined) settleKeep(row.bytes, keepUntilMs)
        seq += 1
      }
    })
  }
}

function rowsOf({ operations }: Write): readonly NewRow[] {
  return operations.flatMap((operation) => (operation.kind === 'append' ? [operation.row] : []))
}

function nothingOf({ writes, folded }: Group): ReadonlyMap<RealmOrdinal, readonly ChainedLogRow[]> {
  const realms = folded?.keys() ?? writes.map(({ realm }) => realm)
  return new Map([...realms].map((realm) => [realm, []]))
}

function rowsByRealm(missed: readonly MissedRow[]): ReadonlyMap<RealmOrdinal, readonly ChainedLogRow[]> {
  const byRealm = new Map<RealmOrdinal, ChainedLogRow[]>()
  for (const [r, seq, atMs, kind, rule, audit, auditHash, chain] of missed) {
    const realm = realmOrdinal(r)
    const rows = byRealm.get(realm) ?? []
    byRealm.set(realm, rows)
    rows.push({
      ...{ seq, atMs, kind, rule: Buffer.from(rule, 'hex'), chain: Buffer.from(chain, 'hex') },
      auditHash:
        auditHash === null ? sha256(Buffer.from(audit ?? '', 'utf8')) : Buffer.from(auditHash, 'hex'),
      ...(audit === null ? {} : { audit }),
    })
  }
  return byRealm
}
