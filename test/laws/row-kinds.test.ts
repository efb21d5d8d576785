import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Directory, LogTrim, Realms, TRIM_AGE_MIN_MS, type Write } from '@rescind/authority'
import {
  ContractBroken,
  isHeld,
  isRevoked,
  judge,
  position,
  Replica,
  type RevocationIndex,
  realmOrdinal,
  turnsVerdicts,
} from '@rescind/core'
import {
  CUTOFF_SHAPES,
  decodeRule,
  EXACT_CODE,
  type ExactTarget,
  encodeRule,
  type LogRow,
  ROW_KIND_NAMES,
  ROW_KINDS,
  type RowKind,
  type Rule,
  rowKindOf,
  rowKindOfCode,
  traitsOf,
} from '@rescind/core/log'
import { MemoryStore } from '@rescind/stores'
import { GroupRules } from '../../authority/log/group-rules.ts'
import { revokes } from '../../authority/log/writes.ts'
import { MASTER, openWorld, START_MS, type World } from '../kit/realm.ts'
import {
  DIGEST_KEY,
  digestAt,
  factsAt,
  grantAt,
  handleAt,
  indexAt,
  NOW_MS,
  revoking,
  rowOf,
  tokenTarget,
} from '../kit/samples.ts'
import { SeededRandom } from '../kit/seeded-random.ts'
import { dump, History } from './history.ts'

/** The first code that no version knows; a newer version might write it. */
const UNKNOWN = Math.max(...ROW_KIND_NAMES.map((kind) => ROW_KINDS[kind].code)) + 1
const AUDIT = { by: 'test', from: 'local', how: 'test' }
const REALM = realmOrdinal(1)
/** The token in the examples below. */
const TOKEN = factsAt(1, { position: position(1, 2) })

type Example<K extends RowKind> = {
  readonly rule: Extract<Rule, { readonly kind: K }>
  /** Rows before it, because a release alone has no effect. */
  readonly after: readonly Rule[]
  /** The verdict on the token afterwards. */
  readonly verdict: 'active' | 'revoked' | 'held' | 'lost'
}
const HOLD = { kind: 'hold', id: 'hld_1', target: tokenTarget(1) } as const

/** A new kind does not compile until it has an example here; then every reader below is tested with it. */
const EXAMPLES: { readonly [K in RowKind]: Example<K> } = {
  revoke: {
    rule: { kind: 'revoke', target: tokenTarget(1), keepUntilMs: NOW_MS + 4e10 },
    after: [],
    verdict: 'revoked',
  },
  hold: { rule: HOLD, after: [], verdict: 'held' },
  release: { rule: { kind: 'release', id: 'hld_1' }, after: [HOLD], verdict: 'active' },
  change: {
    rule: { kind: 'change', collection: 'things', id: 'one', version: 1 },
    after: [],
    verdict: 'active',
  },
  epoch: {
    rule: { kind: 'epoch', ordinal: 2, epochId: 'e'.repeat(22), lostBelow: position(2, 3) },
    after: [],
    verdict: 'lost',
  },
}

function verdictOf(index: RevocationIndex, facts = TOKEN): string {
  const verdict = judge({ facts, index, nowMs: NOW_MS, lag: 'fresh' })
  return verdict.kind === 'inactive' ? verdict.why : verdict.kind
}

function writeOf(rule: Rule): Write {
  const row = { atMs: NOW_MS, rule, bytes: encodeRule(rule, DIGEST_KEY), audit: '{}' }
  return { realm: REALM, dependsOn: [], expects: [], operations: [{ kind: 'append', row }] }
}

async function write({ realm }: World, rules: readonly Rule[]): Promise<void> {
  const operations = rules.map((rule) => ({ kind: 'append', row: realm.row(rule, AUDIT) }) as const)
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

async function reopened({ store, clock }: World): Promise<Realms> {
  const defer = (task: () => void): void => queueMicrotask(task)
  return Realms.open({ store, clock, master: MASTER, random: new SeededRandom('again'), defer })
}

for (const kind of ROW_KIND_NAMES) {
  const { rule, after, verdict } = EXAMPLES[kind]
  describe(`a row of the kind ${kind}`, () => {
    it('is read back as what was written, under a code of its own', () => {
      const row = rowOf(7, rule)
      assert.equal(rowKindOf(row), kind)
      assert.deepEqual(decodeRule(row), rule)
      const same = ROW_KIND_NAMES.filter((other) => ROW_KINDS[other].code === row.kind)
      assert.deepEqual(same, [kind])
    })

    it('gives a token the verdict of its example, in the index, a snapshot of it and a replica', () => {
      const history = new History([...after, rule])
      const index = history.index(history.seq)
      assert.equal(verdictOf(index), verdict)
      assert.deepEqual(dump(history.snapshot(history.seq).index), dump(index))
      const replica = new Replica()
      replica.load(history.snapshot(1))
      assert.equal(replica.apply(history.event(1, history.seq)).kind, 'applied')
      assert.ok(replica.index)
      assert.deepEqual(dump(replica.index), dump(index))
    })

    it('makes readers judge again exactly if it changes a verdict', () => {
      const before = new History(after)
      const changes = verdictOf(before.index(before.seq)) !== verdict
      assert.equal(turnsVerdicts(rule), changes)
    })

    it('goes first in a group, and makes stale what depends on the token, exactly if it ends or suspends it', () => {
      const isNegative = verdict !== 'active'
      const group = new GroupRules()
      group.add(writeOf(rule))
      assert.equal(group.cover(REALM, TOKEN), isNegative)
      assert.equal(group.cover(REALM, factsAt(2, { position: position(2, 9) })), false)
      // An epoch begins while nothing else is written, so it need not go first.
      assert.equal(revokes(writeOf(rule)), isNegative && verdict !== 'lost')
    })

    it('is recovered from a side log if it changes a verdict in another way than a restore does', () => {
      assert.equal(traitsOf(rule).isSalvaged, traitsOf(rule).turnsVerdicts && verdict !== 'lost')
    })

    it('means the same after its row was trimmed off', async () => {
      const world = await openWorld()
      const { realm, realms, clock, store } = world
      const start = realm.index.seq
      const facts = factsAt(1, { position: realm.index.head, expiresAtMs: NOW_MS + 1e10 })
      const rules =
        rule.kind === 'epoch' ? [{ ...rule, lostBelow: position(2, start + 1) }] : [...after, rule]
      await write(world, rules)
      await write(world, [EXAMPLES.change.rule])
      const told = verdictOf(realm.index, facts)
      assert.equal(told, verdict)
      const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
      await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
      clock.advance(TRIM_AGE_MIN_MS + 1)
      realms.ledger.raiseFloor(clock.wallMs())
      await realms.ledger.settleFloor()
      const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
      while (await trim.step());
      const anchor = await store.anchor(realm.ordinal)
      assert.equal(anchor.seq >= start + rules.length, verdict !== 'held', 'only a hold in force stays')
      const { index } = (await reopened(world)).default
      assert.equal(verdictOf(index, facts), verdict)
      assert.deepEqual(dump(index), dump(realm.index))
    })
  })
}

describe('a row of a kind that is not known here', () => {
  const strange = (seq: number): LogRow => ({ ...rowOf(seq, EXAMPLES.release.rule), kind: UNKNOWN })

  it('has no name, and asking for its name stops the reader', () => {
    for (const code of [0, UNKNOWN, 6, 255, -1, 1.5, Number.NaN]) {
      assert.equal(rowKindOfCode(code), undefined)
      assert.throws(() => rowKindOf({ kind: code }), ContractBroken)
    }
  })

  it('is never folded, and never skipped by a retry: the index stays where it is', () => {
    const index = indexAt(3)
    for (let times = 0; times < 2; times += 1) {
      assert.throws(() => index.fold(strange(4)), ContractBroken)
      assert.throws(() => index.fold(rowOf(5, EXAMPLES.revoke.rule)), ContractBroken)
      assert.equal(index.seq, 3)
    }
  })

  it('makes a replica ask for a snapshot, and apply no part of its event', () => {
    const history = new History([])
    const replica = new Replica()
    replica.load(history.snapshot(1))
    history.add(EXAMPLES.revoke.rule)
    history.add(EXAMPLES.change.rule)
    const { rows, ...event } = history.event(1, 3)
    const changed = rows.map((row, at) => (at === 1 ? { ...row, kind: UNKNOWN } : row))
    assert.deepEqual(replica.apply({ ...event, rows: changed }), { kind: 'resync', why: 'unknown-rule' })
    assert.equal(replica.index?.seq, 1)
    assert.equal(replica.index.ended.size, 0)
  })

  it('puts a realm out of order if a newer version wrote it, and stops a directory', async () => {
    const store = new MemoryStore(START_MS)
    const world = await openWorld(store)
    await write(world, [EXAMPLES.revoke.rule])
    const { rowsAfter } = store
    store.rowsAfter = async (...asked) =>
      (await rowsAfter.apply(store, asked)).map((row) =>
        row.kind === ROW_KINDS.revoke.code ? { ...row, kind: UNKNOWN } : row,
      )
    const { ledger } = await reopened(world)
    assert.equal(ledger.suspension(world.realm.ordinal)?.kind, 'unreadable')
    const directory = new Directory(store, world.realm.ordinal)
    assert.throws(() => directory.onRow(strange(1)), ContractBroken)
  })

  it('stops the trimming of a log before anything is removed', async () => {
    const store = new MemoryStore(START_MS)
    const world = await openWorld(store)
    const { realm, realms, clock } = world
    await write(world, [EXAMPLES.revoke.rule, EXAMPLES.change.rule])
    const forget = { kind: 'forget-audit', fromSeq: 1, throughSeq: realm.index.seq } as const
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: [forget] })
    clock.advance(TRIM_AGE_MIN_MS + 1)
    realms.ledger.raiseFloor(clock.wallMs())
    await realms.ledger.settleFloor()
    const { chainedRowsAfter } = store
    store.chainedRowsAfter = async (...asked) =>
      (await chainedRowsAfter.apply(store, asked)).map((row) =>
        row.kind === ROW_KINDS.revoke.code ? { ...row, kind: UNKNOWN } : row,
      )
    const trim = new LogTrim({ realm, auditRetentionMs: 0, rowsMin: 1 })
    await assert.rejects(trim.step(), ContractBroken)
    assert.equal((await store.anchor(realm.ordinal)).seq, 0)
  })
})

describe('the closed lists of targets', () => {
  const exact: { readonly [K in ExactTarget['kind']]: Extract<ExactTarget, { readonly kind: K }> } = {
    token: { kind: 'token', source: 'oauth', digest: digestAt(1), handle: handleAt(1) },
    foreign: { kind: 'foreign', issuer: 'https://idp', jti: 'j' },
    grant: { kind: 'grant', source: 'oauth', grant: grantAt(1) },
    session: { kind: 'session', source: 'oauth', session: 'session 1' },
    key: { kind: 'key', keyId: 'key 1' },
  }

  for (const target of Object.values(exact)) {
    it(`a ${target.kind} that was ended or held stays so in the index, in a snapshot and in a group`, () => {
      const { digest: _, handle: __, ...unnamed } = factsAt(1)
      const foreign = { skewMs: 0, jti: 'j', authenticatedAtMs: NOW_MS }
      const facts =
        target.kind === 'foreign' ? { ...unnamed, source: 'iss:https://idp', foreign } : factsAt(1)
      const ended = new History([revoking(target)])
      for (const index of [ended.index(2), ended.snapshot(2).index]) assert.ok(isRevoked(facts, index))
      const held = new History([{ kind: 'hold', id: 'h', target: target }])
      for (const index of [held.index(2), held.snapshot(2).index]) assert.ok(isHeld(facts, index))
      const group = new GroupRules()
      group.add(writeOf(revoking(target)))
      assert.ok(group.cover(REALM, facts))
      assert.ok(Object.hasOwn(EXACT_CODE, target.kind))
    })
  }

  for (const shape of CUTOFF_SHAPES) {
    it(`a cutoff of the shape ${shape} stays in force in the index, in a snapshot and in a group`, () => {
      const facts = factsAt(1, { position: position(1, 1) })
      const { source, subject, client, tenant } = facts
      assert.ok(subject !== undefined && client !== undefined && tenant !== undefined)
      const target = { kind: 'cut', shape, principals: { source, subject, client, tenant } } as const
      const ended = new History([revoking(target)])
      for (const index of [ended.index(2), ended.snapshot(2).index]) assert.ok(isRevoked(facts, index))
      const held = new History([{ kind: 'hold', id: 'h', target }])
      for (const index of [held.index(2), held.snapshot(2).index]) assert.ok(isHeld(facts, index))
      const group = new GroupRules()
      group.add(writeOf(revoking(target)))
      assert.ok(group.cover(REALM, facts))
    })
  }
})
