import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Ancestor,
  BEYOND_LOGS,
  grantOf,
  KEEP_MARGIN_MS,
  mintHandle,
  type TokenRecord,
} from '@rescind/core'
import {
  ACCESS_TOKEN_TYP,
  factsOfClaims,
  importPublicJwk,
  judgingClaims,
  parseJws,
  RawToken,
  signJws,
  verifyJws,
} from '@rescind/core/tokens'
import { openWorld, type World } from '../../test/kit/realm.ts'
import { commitOwn } from '../realm/commit-own.ts'
import { issueTokens } from '../realm/issue.ts'
import { type Caller, callerFacts, type Realm } from '../realm/realm.ts'
import {
  coverLife,
  needActiveKey,
  publishedKeys,
  revokeSigningKey,
  rotateDueKeys,
  rotateSigningKey,
  signingKeys,
} from './key-rotation.ts'

const HOUR_MS = 3_600_000

function callerOf(realm: Realm): Caller {
  const facts = callerFacts({ source: 'control', client: 'ops' }, realm.position())
  return { id: 'control:ops', from: '127.0.0.1', dependency: { realm: realm.ordinal, facts } }
}

type Minted = { readonly raw: RawToken; readonly record: TokenRecord; readonly keyId: string }

async function mintSigned(realm: Realm, lifeMs = HOUR_MS): Promise<Minted> {
  const judgedAt = realm.position()
  const active = await needActiveKey(realm, 'ES256')
  const { keyId } = active.signing
  const handle = mintHandle(realm.random)
  const expiresAtMs = realm.nowMs() + lifeMs
  const facts = { source: 'oauth', client: 'svc', subject: 'ann', handle, ancestors: [], position: judgedAt }
  const times = { iat: realm.nowMs() / 1_000, exp: expiresAtMs / 1_000 }
  const claims = {
    ...judgingClaims({ ...facts, grant: 'grt_a' as TokenRecord['grant'], expiresAtMs }),
    ...times,
    sub: 'ann',
    client_id: 'svc',
  }
  const raw = RawToken.parse(signJws(claims, ACCESS_TOKEN_TYP, active.signing))
  assert.ok(raw !== undefined)
  const issued = await issueTokens(realm, {
    judgedAt,
    caller: callerOf(realm),
    tokens: [
      { source: 'oauth', client: 'svc', subject: 'ann', raw, kind: 'access', handle, keyId, expiresAtMs },
    ],
    also: coverLife(realm, active, lifeMs),
  })
  assert.equal(issued.kind, 'issued')
  const record = issued.kind === 'issued' ? issued.records[0] : undefined
  assert.ok(record !== undefined)
  return { raw, record, keyId }
}

async function states(realm: Realm): Promise<string> {
  const entries = await signingKeys(realm)
  return entries
    .map(({ value }) => value.state)
    .sort()
    .join(' ')
}

async function isPublished(realm: Realm, keyId: string): Promise<boolean> {
  return (await publishedKeys(realm)).some(({ kid }) => kid === keyId)
}

async function verdictOf({ realm }: World, { raw }: Minted): Promise<string> {
  const { verdict } = await realm.find(raw)
  return verdict.kind === 'inactive' ? verdict.why : verdict.kind
}

test('a realm gets its first keys when they are needed: one that signs, and the next, published before use', async () => {
  const { realm } = await openWorld()
  assert.deepEqual(await publishedKeys(realm), [])
  const made = await Promise.all(Array.from({ length: 8 }, () => needActiveKey(realm, 'ES256')))
  assert.equal(new Set(made.map(({ signing }) => signing.keyId)).size, 1)
  assert.equal(await states(realm), 'active next')
  const shown = await publishedKeys(realm)
  assert.equal(shown.length, 2)
  for (const jwk of shown)
    assert.deepEqual(Object.keys(jwk).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

test('the next key of a rotation is one that was published before, and the old one stays until its last token has expired', async () => {
  const world = await openWorld()
  const { realm, clock } = world
  const token = await mintSigned(realm, 2 * HOUR_MS)
  const next = (await signingKeys(realm)).find(({ value }) => value.state === 'next')
  assert.ok(next !== undefined)
  assert.equal((await rotateSigningKey(realm, 'ES256', { caller: callerOf(realm) })).kind, 'changed')
  assert.equal((await needActiveKey(realm, 'ES256')).signing.keyId, next.id)
  assert.equal(await states(realm), 'active next old')
  assert.equal(await isPublished(realm, token.keyId), true)
  assert.equal(await verdictOf(world, token), 'active')
  const old = (await signingKeys(realm)).find(({ value }) => value.state === 'old')
  assert.equal(old?.value.sealed, undefined, 'its private half is erased')

  clock.advance(2 * HOUR_MS - 1)
  assert.equal(await isPublished(realm, token.keyId), true)
  clock.advance(KEEP_MARGIN_MS + 1)
  assert.equal(await isPublished(realm, token.keyId), false)
  assert.equal(await verdictOf(world, token), 'expired')
})

test('an expired key leaves the store with a later rotation, once the floor has passed it', async () => {
  const { realms, realm, clock } = await openWorld()
  await mintSigned(realm)
  await rotateSigningKey(realm, 'ES256', { caller: callerOf(realm) })
  clock.advance(HOUR_MS + KEEP_MARGIN_MS)
  await rotateSigningKey(realm, 'ES256', { caller: callerOf(realm) })
  assert.equal(await states(realm), 'active next old old')
  realms.ledger.raiseFloor(realm.nowMs())
  await rotateSigningKey(realm, 'ES256', { caller: callerOf(realm) })
  assert.equal(await states(realm), 'active next old old')
})

for (const state of ['active', 'next', 'old'] as const) {
  test(`revoking the ${state} key ends what it signed and takes it out of the key set in one write`, async () => {
    const world = await openWorld()
    const { realm } = world
    const token = await mintSigned(realm)
    if (state === 'old') await rotateSigningKey(realm, 'ES256', { caller: callerOf(realm) })
    const found = (await signingKeys(realm)).find(({ value }) => value.state === state)
    assert.ok(found !== undefined)
    assert.equal((await revokeSigningKey(realm, found.id, { caller: callerOf(realm) })).kind, 'changed')
    assert.equal(await isPublished(realm, found.id), false)
    assert.equal(await verdictOf(world, token), state === 'next' ? 'active' : 'revoked')
    assert.equal(await states(realm), 'active next revoked')
    const again = await mintSigned(realm)
    assert.equal(await verdictOf(world, again), 'active')
    const seq = realm.index.seq
    assert.equal((await revokeSigningKey(realm, found.id, { caller: callerOf(realm) })).kind, 'changed')
    assert.equal(realm.index.seq, seq, 'a second time writes nothing')
  })
}

test('every rule on the active key takes it out of the key set, and another key signs', async () => {
  const world = await openWorld()
  const { realm } = world
  const token = await mintSigned(realm)
  const keepUntilMs = realm.nowMs() + realm.lifetimes.highestMs
  const rule = { kind: 'revoke', target: { kind: 'key', keyId: token.keyId }, keepUntilMs } as const
  const audit = { by: 'control:ops', from: 'local', how: 'test' }
  await commitOwn(realm, [{ kind: 'append', row: realm.row(rule, audit) }])
  assert.equal(await isPublished(realm, token.keyId), false)
  assert.equal(await verdictOf(world, token), 'revoked')
  const next = await mintSigned(realm)
  assert.notEqual(next.keyId, token.keyId)
  assert.equal(await verdictOf(world, next), 'active')
  assert.equal(await states(realm), 'active next revoked')
})

test('while a hold names the key that signs, another one signs; its tokens return with the release', async () => {
  const world = await openWorld()
  const { realm } = world
  const token = await mintSigned(realm)
  const audit = { by: 'control:ops', from: 'local', how: 'test' }
  const target = { kind: 'key', keyId: token.keyId } as const
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'hold', id: 'hold_1', target }, audit) }])
  assert.equal(await verdictOf(world, token), 'held')
  assert.notEqual((await mintSigned(realm)).keyId, token.keyId)
  assert.equal(await isPublished(realm, token.keyId), true)
  await commitOwn(realm, [{ kind: 'append', row: realm.row({ kind: 'release', id: 'hold_1' }, audit) }])
  assert.equal(await verdictOf(world, token), 'active')
})

test('a key that has signed long enough is rotated automatically, and only that one', async () => {
  const { realm, clock } = await openWorld()
  const { keyId } = await mintSigned(realm)
  assert.equal(await rotateDueKeys(realm, HOUR_MS), 0)
  clock.advance(HOUR_MS - 1)
  assert.equal(await rotateDueKeys(realm, HOUR_MS), 0)
  clock.advance(1)
  assert.equal(await rotateDueKeys(realm, HOUR_MS), 1)
  assert.notEqual((await needActiveKey(realm, 'ES256')).signing.keyId, keyId)
  assert.equal(await rotateDueKeys(realm, HOUR_MS), 0)
})

test('a token that was signed while its key was revoked is stale, never issued', async () => {
  const { realm } = await openWorld()
  const { keyId } = await mintSigned(realm)
  const results = await Promise.allSettled([
    revokeSigningKey(realm, keyId, { caller: callerOf(realm) }),
    ...Array.from({ length: 8 }, () => mintSigned(realm)),
  ])
  for (const one of results.slice(1)) {
    if (one.status !== 'fulfilled') continue
    const minted = one.value as Minted
    const { verdict } = await realm.find(minted.raw)
    assert.equal(verdict.kind, minted.keyId === keyId ? 'inactive' : 'active')
  }
})

test('an unknown key is reported as such, and realms do not share keys', async () => {
  const { realms, realm } = await openWorld()
  const branch = await realms.create('branch', { by: 'test', from: 'local', how: 'test' })
  const token = await mintSigned(realm)
  assert.equal((await revokeSigningKey(branch, token.keyId, { caller: callerOf(realm) })).kind, 'no-such-key')
  assert.equal((await branch.find(token.raw)).record, undefined)
})

test('a JWS of ours is known by its jti: another text that verifies is the same token, and is revoked with it', async () => {
  const world = await openWorld()
  const { realm } = world
  const token = await mintSigned(realm)
  const text = token.raw.reveal()
  const dot = text.lastIndexOf('.') + 1
  const signature = Buffer.from(text.slice(dot), 'base64url')
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  const flipped = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex')
  const twin = text.slice(0, dot) + Buffer.concat([signature.subarray(0, 32), flipped]).toString('base64url')
  const raw = RawToken.parse(twin)
  assert.ok(raw !== undefined && twin !== text)
  const found = await realm.find(raw, 'oauth')
  assert.equal(found.record?.handle, token.record.handle)
  assert.equal((await realm.find(raw, 'identity')).record, undefined)
  const forged = `${text.slice(0, dot)}${Buffer.alloc(64, 7).toString('base64url')}`
  for (const broken of [forged, token.record.handle, token.record.digest]) {
    const other = RawToken.parse(broken)
    assert.ok(other !== undefined)
    assert.equal((await realm.find(other)).record, undefined, broken)
  }
  for (const other of [`${text}=`, `${text.slice(0, -1)}B`])
    assert.equal(RawToken.parse(other), undefined, other)
})

test('a JWS that our keys sign with another typ is not a token', async () => {
  const { realm } = await openWorld()
  const token = await mintSigned(realm)
  const { signing } = await needActiveKey(realm, 'ES256')
  const jws = parseJws(token.raw.reveal())
  assert.ok(jws !== undefined)
  for (const typ of ['JWT', 'token-introspection+jwt', 'logout+jwt', '']) {
    const raw = RawToken.parse(signJws(jws.claims, typ, signing))
    assert.ok(raw !== undefined)
    assert.equal((await realm.find(raw)).record, undefined, typ)
  }
})

test('a JWT of ours states the facts by which it can be judged without its record', async () => {
  const { realm } = await openWorld()
  const { raw, record, keyId } = await mintSigned(realm)
  const [jwk] = (await publishedKeys(realm)).filter(({ kid }) => kid === keyId)
  const [jws, key] = [parseJws(raw.reveal()), importPublicJwk(jwk)]
  assert.ok(jws !== undefined && key !== undefined)
  assert.equal(verifyJws(jws, key), true)
  // Every id that a rule can name, of one of our tokens and of a foreign one.
  const up: Ancestor = {
    source: 'identity',
    subject: '77',
    tenant: 't',
    client: 'c',
    handle: record.handle,
    grant: grantOf(mintHandle(realm.random)),
    session: 's2',
    position: record.position,
    issuedAtMs: 1_772_366_400_123,
    expiresAtMs: 1_772_366_500_999,
    keyId,
  }
  const foreign: Ancestor = {
    source: 'iss:https://idp.example',
    subject: 'fay',
    session: 'sid',
    keyId: 'theirs',
    position: BEYOND_LOGS,
    issuedAtMs: 1_772_366_400_000,
    expiresAtMs: 1_772_366_500_000,
    foreign: { jti: 'any text', skewMs: 60_000, authenticatedAtMs: 1_772_366_300_000 },
  }
  const { issuedAtMs: _issued, ...timeless } = foreign
  const { grant: _grant, session: _session, ...older } = up
  const ancestors = [up, foreign, timeless, older]
  const facts = { ...record, session: 's', tenant: 't', ancestors, issuedAtMs: 1_772_366_400_000 }
  const claims = { ...jws.claims, ...judgingClaims(facts) }
  const { digest: _digest, kind: _kind, ...expected } = facts
  assert.deepEqual(factsOfClaims({ ...jws, claims }, keyId), { ...expected, grant: record.grant })
  for (const wrong of [
    { pos: [1] },
    { pos: [0, -1] },
    { jti: 'x' },
    { anc: [{}] },
    { anc: [{ jti: 'any text', src: 'iss:x', exp: 1 }] },
    { anc: [{ jti: 'any text', src: 'oauth', pos: [1, 1], iat: 1, exp: 1 }] },
    { anc: 'x' },
    { exp: '1' },
  ])
    assert.equal(factsOfClaims({ ...jws, claims: { ...claims, ...wrong } }, keyId), undefined)
})
