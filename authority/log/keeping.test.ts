import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  ASSIGNED_LIFETIME_MAX_MS,
  decodeSnapshot,
  encodeSnapshot,
  isRevoked,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  LAST_INSTANT_MS,
  LIFETIME_MAX_MS,
  RevocationIndex,
} from '@rescind/core'
import {
  type CutoffTarget,
  checkpointText,
  decodeRule,
  encodeRule,
  type RevokeRule,
  type Rule,
  type Target,
} from '@rescind/core/log'
import { SLICES } from '../../core/revocations/key-table.ts'
import { legacyForGood } from '../../core/revocations/legacy-keep.ts'
import { actOf, intentOf, issue } from '../../test/kit/acts.ts'
import { FaultyStore } from '../../test/kit/faulty-store.ts'
import { MASTER, openWorld, START_MS, type World } from '../../test/kit/realm.ts'
import { DAY_MS, DIGEST_KEY, factsAt, grantAt, revoking, tokenTarget } from '../../test/kit/samples.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { putRecord } from '../directory/change.ts'
import { ISSUER_TERMS, type IssuerTerms } from '../directory/issuer-terms.ts'
import { ISSUERS, type IssuerValue, issuerId } from '../directory/issuers.ts'
import { putToken, recordOf } from '../realm/issue.ts'
import type { Realm } from '../realm/realm.ts'
import { Realms } from '../realm/realms.ts'
import { revokeAll, revokeGrant, ruleOn, tokenRule } from '../realm/revoke.ts'
import { LogTrim } from './log-trim.ts'

const IDP = 'https://idp.example/'
const FOREIGN = `iss:${IDP}`
const SKEW_MS = 60_000
const OWN_LIFE_MS = LIFETIME_MAX_MS + KEEP_MARGIN_MS

const cutoffOver = (source: string, over: Partial<CutoffTarget> = {}): CutoffTarget => ({
  kind: 'cut',
  shape: 'subject',
  principals: { source, subject: 's' },
  ...over,
})

/** Writes a rule, and reads its keep from the log. */
async function keptBy(realm: Realm, rule: RevokeRule): Promise<number> {
  const revoked = await revokeAll(realm, [rule], actOf(realm))
  assert.ok(revoked.kind === 'revoked')
  const [row] = await realm.store.rowsAfter(realm.ordinal, revoked.seq - 1, 1)
  assert.ok(row !== undefined)
  const written = decodeRule(row)
  assert.ok(written.kind === 'revoke')
  assert.equal(realm.index.keptUntilMs(row, written), written.keepUntilMs)
  return written.keepUntilMs
}

const kept = (realm: Realm, target: Exclude<Target, { kind: 'token' }>): Promise<number> =>
  keptBy(realm, ruleOn(realm, target))

async function register(realm: Realm, over: Partial<IssuerValue> = {}): Promise<void> {
  const value: IssuerValue = {
    issuer: IDP,
    enabled: true,
    algorithms: ['ES256'],
    claims: { jti: 'jti' },
    skewSeconds: SKEW_MS / 1_000,
    maxLifetimeSeconds: 3_600,
    ...over,
  }
  const { version } = await realm.directory.state(ISSUERS, issuerId(IDP))
  await write(
    realm,
    putRecord(realm, { collection: ISSUERS, id: issuerId(IDP), value, fromVersion: version }, WHO),
  )
}

async function agree(realm: Realm, terms: Partial<IssuerTerms>): Promise<void> {
  const { version } = await realm.directory.state(ISSUER_TERMS, issuerId(IDP))
  const value: IssuerTerms = { issuer: IDP, registeredAtMs: START_MS, ...terms }
  const put = { collection: ISSUER_TERMS, id: issuerId(IDP), value, fromVersion: version }
  await write(realm, putRecord(realm, put, WHO))
}

const WHO = { by: 'test', from: 'local', how: 'test' }

async function write(realm: Realm, operations: Parameters<Realm['commit']>[0]['operations']): Promise<void> {
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

/** A token that was issued while the clock ran far ahead. */
async function putFar(realm: Realm, source: string, expiresAtMs: number): Promise<void> {
  const intent = intentOf(realm, `far of ${source} at ${expiresAtMs}`, { source, expiresAtMs })
  const record = recordOf(realm, intent, { position: realm.position(), issuedAtMs: realm.nowMs() })
  await write(realm, [putToken(record)])
}

async function restarted({ store, clock }: World): Promise<Realm> {
  const random = new SeededRandom('restarted')
  return (await Realms.open({ store, clock, master: MASTER, random, defer: queueMicrotask })).default
}

describe('[H12] the keep of a rule on tokens that we mint (model §5.4)', () => {
  onBothStores(
    'a rule on one of our tokens: its stored expiry and ten minutes; assigned text: for good',
    async (store) => {
      const { realm } = await openWorld(store)
      for (const lifeMs of [1, 12_345, 400 * DAY_MS]) {
        const expiresAtMs = realm.nowMs() + lifeMs
        const record = await issue(realm, `life ${lifeMs}`, { expiresAtMs })
        assert.equal(await keptBy(realm, tokenRule(record)), expiresAtMs + KEEP_MARGIN_MS)
      }
      const assigned = await issue(realm, 'chosen', { kind: 'assigned', source: 'chat/acme' })
      assert.equal(await keptBy(realm, tokenRule(assigned)), KEEP_FOREVER_MS)
    },
  )

  onBothStores(
    'grants, sessions and cutoffs: the longest lifetime from now, if no token outlives it',
    async (store) => {
      const { realm } = await openWorld(store)
      await issue(realm, 'one')
      const untilMs = realm.nowMs() + OWN_LIFE_MS
      assert.equal(await kept(realm, { kind: 'grant', source: 'oauth', grant: grantAt(1) }), untilMs)
      assert.equal(await kept(realm, { kind: 'session', source: 'identity', session: 's' }), untilMs)
      assert.equal(await kept(realm, cutoffOver('oauth')), untilMs)
      const chat = realm.nowMs() + ASSIGNED_LIFETIME_MAX_MS + KEEP_MARGIN_MS
      assert.equal(await kept(realm, cutoffOver('chat/acme')), chat)
      assert.equal(await kept(realm, { kind: 'cut', shape: 'realm', principals: { source: '' } }), chat)
    },
  )

  onBothStores(
    'they outlive tokens that the source issued while the clock ran ahead, in whole days',
    async (store) => {
      const world = await openWorld(store)
      const { realm } = world
      const farMs = realm.nowMs() + 9_000 * DAY_MS
      const ceiling = Math.ceil(farMs / DAY_MS) * DAY_MS + KEEP_MARGIN_MS
      await putFar(realm, 'oauth', farMs)
      for (const open of [async () => realm, () => restarted(world)]) {
        const again = await open()
        assert.equal(await kept(again, cutoffOver('oauth')), ceiling)
        assert.equal(await kept(again, { kind: 'grant', source: 'oauth', grant: grantAt(1) }), ceiling)
        assert.equal(await kept(again, { kind: 'session', source: 'oauth', session: 's' }), ceiling)
        const elsewhere = again.nowMs() + OWN_LIFE_MS
        assert.equal(await kept(again, cutoffOver('identity')), elsewhere, 'another source has its own')
        const realmWide = { kind: 'cut', shape: 'realm', principals: { source: '' } } as const
        assert.equal(await kept(again, realmWide), ceiling, 'a realm cut outlives all of them')
      }
    },
  )

  onBothStores(
    'a token of the same group counts, and so does a longer lifetime of the past',
    async (store) => {
      const { realm } = await openWorld(store)
      const farMs = Math.ceil(realm.nowMs() / DAY_MS + 5_000) * DAY_MS
      const [, untilMs] = await Promise.all([putFar(realm, 'oauth', farMs), kept(realm, cutoffOver('oauth'))])
      assert.equal(untilMs, farMs + KEEP_MARGIN_MS)
      realm.lifetimes.raise(3_000 * DAY_MS)
      const raised = realm.nowMs() + 3_000 * DAY_MS + KEEP_MARGIN_MS
      assert.equal(await kept(realm, cutoffOver('identity')), raised)
    },
  )

  onBothStores('signing keys: for good, because a holder can go on signing', async (store) => {
    const { realm } = await openWorld(store)
    assert.equal(await kept(realm, { kind: 'key', keyId: 'k' }), KEEP_FOREVER_MS)
  })

  onBothStores('a keep beyond the last date is for good', async (store) => {
    const { realm } = await openWorld(store)
    await putFar(realm, 'oauth', LAST_INSTANT_MS)
    assert.equal(await kept(realm, cutoffOver('oauth')), KEEP_FOREVER_MS)
    const shown = { expiresAtMs: LAST_INSTANT_MS }
    const foreign = ruleOn(realm, { kind: 'foreign', issuer: IDP, jti: 'last' }, shown)
    assert.equal(await keptBy(realm, foreign), KEEP_FOREVER_MS)
  })
})

describe('[H12] the keep of a rule on tokens that others mint (model §5.4)', () => {
  onBothStores(
    'cutoffs: their time, the skew, 400 days and ten minutes, regardless of the issuer’s settings',
    async (store) => {
      const { realm } = await openWorld(store)
      await register(realm, { maxLifetimeSeconds: 60 })
      const untilMs = realm.nowMs() + SKEW_MS + LIFETIME_MAX_MS + KEEP_MARGIN_MS
      assert.equal(await kept(realm, cutoffOver(FOREIGN)), untilMs)
      assert.equal(await kept(realm, cutoffOver(FOREIGN, { issuedBeforeMs: 5 })), untilMs)
      const source = { kind: 'cut', shape: 'source', principals: { source: FOREIGN } } as const
      assert.equal(await kept(realm, source), untilMs)
      const unknown = await kept(realm, cutoffOver('iss:https://other/'))
      assert.equal(unknown, untilMs - SKEW_MS + 600_000, 'an unknown skew counts as the longest')
    },
  )

  onBothStores('a jti: the exp of the presented token and ten minutes, else for good', async (store) => {
    const { realm } = await openWorld(store)
    const target = { kind: 'foreign', issuer: IDP, jti: 'j' } as const
    const expiresAtMs = realm.nowMs() + 1_100 * DAY_MS
    assert.equal(await keptBy(realm, ruleOn(realm, target, { expiresAtMs })), expiresAtMs + KEEP_MARGIN_MS)
    assert.equal(await kept(realm, target), KEEP_FOREVER_MS)
  })

  onBothStores('sessions and logins: for good, and deleting the issuer drops none', async (store) => {
    const world = await openWorld(store)
    const { realm } = world
    await register(realm)
    const logins = cutoffOver(FOREIGN, { basis: 'authenticated' })
    assert.equal(await kept(realm, { kind: 'session', source: FOREIGN, session: 's' }), KEEP_FOREVER_MS)
    assert.equal(await kept(realm, logins), KEEP_FOREVER_MS)
    const { version } = await realm.directory.state(ISSUERS, issuerId(IDP))
    await write(realm, [
      { kind: 'delete-record', collection: ISSUERS.name, id: issuerId(IDP), fromVersion: version },
    ])
    const again = await restarted(world)
    assert.deepEqual(again.index.keptForGood, {
      token: 0,
      foreign: 0,
      grant: 0,
      session: 1,
      key: 0,
      cut: 1,
    })
    assert.equal(await kept(again, logins), KEEP_FOREVER_MS)
  })

  onBothStores(
    'an agreed session limit ends them, even after the issuer is deleted; not if iat may be missing',
    async (store) => {
      const world = await openWorld(store)
      const { realm } = world
      await register(realm)
      await agree(realm, { maxSessionSeconds: 3_600 })
      const untilMs = realm.nowMs() + 3_600_000 + SKEW_MS + LIFETIME_MAX_MS + KEEP_MARGIN_MS
      const session = { kind: 'session', source: FOREIGN, session: 's' } as const
      assert.equal(await kept(realm, session), untilMs)
      assert.equal(await kept(realm, cutoffOver(FOREIGN, { basis: 'authenticated' })), untilMs)
      const again = await restarted(world)
      assert.equal(await kept(again, session), untilMs)
      again.index.raiseFloor(again.nowMs() + 60_000)
      assert.ok((await kept(again, session)) < KEEP_FOREVER_MS)
      again.index.raiseFloor(again.nowMs() + 1)
      assert.equal(await kept(again, { ...session, session: 'behind' }), KEEP_FOREVER_MS)
      await agree(again, { maxSessionSeconds: 3_600, withoutIat: 'announced' })
      assert.equal(await kept(again, session), KEEP_FOREVER_MS)
    },
  )

  onBothStores('if tokens may lack iat, cutoffs over them and over the realm are for good', async (store) => {
    const { realm } = await openWorld(store)
    await register(realm)
    const realmWide = { kind: 'cut', shape: 'realm', principals: { source: '' } } as const
    assert.ok((await kept(realm, realmWide)) < KEEP_FOREVER_MS)
    for (const withoutIat of ['announced', 'lifted'] as const) {
      await agree(realm, { withoutIat })
      for (const target of [cutoffOver(FOREIGN), cutoffOver(FOREIGN, { issuedBeforeMs: 5 }), realmWide])
        assert.equal(await kept(realm, target), KEEP_FOREVER_MS)
      assert.ok((await kept(realm, cutoffOver('iss:https://other/'))) < KEEP_FOREVER_MS)
      assert.ok((await kept(realm, cutoffOver('oauth'))) < KEEP_FOREVER_MS)
    }
  })

  test('after a change of terms with an unknown outcome, the terms are read again before the next rule', async () => {
    const store = new FaultyStore(START_MS)
    const { realm } = await openWorld(store)
    await register(realm)
    store.fate = 'fails-written'
    await assert.rejects(agree(realm, { withoutIat: 'announced' }))
    store.fate = 'works'
    assert.equal(await kept(realm, cutoffOver(FOREIGN)), KEEP_FOREVER_MS)
  })
})

/** Rule bytes as older versions wrote them. */
function old(rule: Rule, digestKey: string): Buffer {
  const bytes = encodeRule(rule, digestKey)
  bytes[0] = 1
  return bytes
}

const OLD_KEEP_MS = START_MS + 400 * DAY_MS + KEEP_MARGIN_MS
/** Rules that older versions kept for a fixed time, and until when they count now. */
const OLD_RULES: readonly (readonly [name: string, target: Target, untilMs: number])[] = [
  ['a signing key', { kind: 'key', keyId: 'k' }, KEEP_FOREVER_MS],
  ['a foreign session', { kind: 'session', source: FOREIGN, session: 's' }, KEEP_FOREVER_MS],
  ['logins', cutoffOver(FOREIGN, { basis: 'authenticated' }), KEEP_FOREVER_MS],
  ['a jti', { kind: 'foreign', issuer: IDP, jti: 'j' }, KEEP_FOREVER_MS],
  ['a foreign cutoff', cutoffOver(FOREIGN), OLD_KEEP_MS + 600_000],
  ['a cutoff of ours', cutoffOver('identity'), OLD_KEEP_MS],
  ['a session of ours', { kind: 'session', source: 'identity', session: 's' }, OLD_KEEP_MS],
  ['a token', tokenTarget(1), OLD_KEEP_MS],
]
const FAR_MS = START_MS + 9_000 * DAY_MS
const FAR_CEILING_MS = Math.ceil(FAR_MS / DAY_MS) * DAY_MS + KEEP_MARGIN_MS
/** Rules over `oauth` tokens that were issued while the clock ran ahead. */
const OLD_FAR: readonly (readonly [name: string, target: Target, untilMs: number])[] = [
  ['a cutoff', cutoffOver('oauth'), FAR_CEILING_MS],
  ['a grant', { kind: 'grant', source: 'oauth', grant: grantAt(1) }, FAR_CEILING_MS],
  ['a realm', { kind: 'cut', shape: 'realm', principals: { source: '' } }, FAR_CEILING_MS],
]

describe('[H12] rows of older versions count as long as the new terms say', () => {
  onBothStores('when folded, trimmed and shown, regardless of their stored keep', async (store) => {
    const world = await openWorld(store)
    await putFar(world.realm, 'oauth', FAR_MS)
    // This version opens the store as an older version left it.
    const realm = await restarted(world)
    for (const [name, target, untilMs] of [...OLD_RULES, ...OLD_FAR]) {
      const rule: RevokeRule = { kind: 'revoke', target, keepUntilMs: OLD_KEEP_MS }
      const row = { rule: old(rule, realm.keys.digestKey) }
      assert.equal(realm.index.keptUntilMs(row, rule), untilMs, name)
    }
  })

  test('an index without a store keeps all rules for good, except those on tokens', () => {
    const index = new RevocationIndex(DIGEST_KEY)
    for (const [name, target] of [...OLD_RULES, ...OLD_FAR]) {
      const rule: RevokeRule = { kind: 'revoke', target, keepUntilMs: OLD_KEEP_MS }
      const untilMs = target.kind === 'token' ? OLD_KEEP_MS : KEEP_FOREVER_MS
      assert.equal(legacyForGood(rule), untilMs, name)
      assert.equal(index.keptUntilMs({ rule: old(rule, DIGEST_KEY) }, rule), untilMs, name)
      assert.equal(index.keptUntilMs({ rule: encodeRule(rule, DIGEST_KEY) }, rule), OLD_KEEP_MS, name)
    }
  })

  test('402 days later they are in the index still, and in what is kept of a trimmed log, over a restart', async () => {
    const world = await openWorld()
    const { realm, realms, clock, store } = world
    const targets = OLD_RULES.filter(([, , untilMs]) => untilMs === KEEP_FOREVER_MS)
    for (const [, target] of targets) {
      const row = realm.row({ kind: 'revoke', target, keepUntilMs: OLD_KEEP_MS }, WHO)
      // Written directly to the store, because the ledger would write the right keep.
      const bytes = old(row.rule, realm.keys.digestKey)
      await store.commit({
        writes: [
          {
            realm: realm.ordinal,
            dependsOn: [],
            expects: [],
            operations: [{ kind: 'append', row: { ...row, bytes } }],
          },
        ],
        floorMs: await store.floor(),
      })
    }
    const later = await restarted(world)
    await write(later, [{ kind: 'forget-audit', fromSeq: 1, throughSeq: later.index.seq }])
    await revokeGrant(later, { source: 'oauth', grant: grantAt(9) }, actOf(later))
    clock.advance(402 * DAY_MS)
    realms.ledger.raiseFloor(clock.wallMs())
    await realms.ledger.settleFloor()
    const trim = new LogTrim({ realm: await restarted(world), auditRetentionMs: 0, rowsMin: 1 })
    while (await trim.step());
    assert.ok((await store.anchor(realm.ordinal)).seq > targets.length)
    const again = await restarted(world)
    for (let slice = 0; slice < SLICES; slice += 1) again.index.dropExpired(slice)
    const foreign = { jti: 'j', skewMs: 0, authenticatedAtMs: 1 }
    const of = (over: object) =>
      factsAt(99, { source: FOREIGN, keyId: 'none', issuedAtMs: clock.wallMs(), ...over })
    for (const facts of [
      of({ keyId: 'k' }),
      of({ session: 's', foreign: { ...foreign, jti: 'other' } }),
      of({ subject: 's', foreign: { ...foreign, jti: 'third' } }),
      of({ foreign: { ...foreign, authenticatedAtMs: clock.wallMs() } }),
    ])
      assert.ok(isRevoked(facts, again.index))
    const text = encodeSnapshot(again.index, positionOf(again))
    const snapshot = decodeSnapshot(text, again.keys.digestKey)
    assert.ok(snapshot !== undefined)
    for (let slice = 0; slice < SLICES; slice += 1) snapshot.index.dropExpired(slice)
    assert.ok(isRevoked(of({ keyId: 'k' }), snapshot.index), 'a snapshot says so, too')
  })
})

test('[H12] rules kept for good are counted once by the kind of their target, before and after a restart', async () => {
  const world = await openWorld()
  const { realm } = world
  const assigned = await issue(realm, 'chosen', { kind: 'assigned', source: 'chat/acme' })
  for (let nth = 0; nth < 2; nth += 1) {
    await keptBy(realm, tokenRule(assigned))
    await kept(realm, { kind: 'key', keyId: 'k' })
    await kept(realm, { kind: 'session', source: FOREIGN, session: 's' })
    await kept(realm, { kind: 'foreign', issuer: IDP, jti: 'j' })
    await kept(realm, cutoffOver(FOREIGN, { basis: 'authenticated' }))
    await kept(realm, cutoffOver('oauth'))
    await keptBy(realm, tokenRule(await issue(realm, `mortal ${nth}`)))
  }
  const expected = { token: 1, foreign: 1, grant: 0, session: 1, key: 1, cut: 1 }
  assert.deepEqual(realm.index.keptForGood, expected)
  const again = await restarted(world)
  assert.deepEqual(again.index.keptForGood, expected)
  const rule = revoking({ kind: 'key', keyId: 'k' }, KEEP_FOREVER_MS)
  assert.ok(rule.kind === 'revoke')
  await keptBy(again, rule)
  assert.deepEqual(again.index.keptForGood, expected)
})

function positionOf({ index }: Realm): string {
  const epoch = index.epochs.at(-1)
  assert.ok(epoch !== undefined)
  const checkpoint = { ordinal: epoch.ordinal, epochId: epoch.epochId, seq: index.seq, chain: 'A'.repeat(43) }
  return checkpointText(checkpoint, Buffer.alloc(32))
}
