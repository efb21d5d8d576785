import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { covers } from '@rescind/authority'
import {
  type Ancestor,
  ancestorOf,
  ancestorsFrom,
  BEYOND_LOGS,
  isMintingHeld,
  judge,
  type Lag,
  position,
  type Question,
  type RevocationIndex,
  type TokenFacts,
  type Verdict,
} from '@rescind/core'
import type { CutoffShape, CutoffTarget, Target } from '@rescind/core/log'
import {
  DAY_MS,
  factsAt,
  fold,
  grantAt,
  indexAt,
  NOW_MS,
  revoking,
  SOURCE,
  tokenTarget,
} from '../kit/samples.ts'

const ACTIVE: Verdict = { kind: 'active' }
const inactive = (why: string): object => ({ kind: 'inactive', why })

function ask(index: RevocationIndex, over: Partial<Question> = {}): Verdict {
  return judge({ facts: factsAt(1), index, nowMs: NOW_MS, lag: 'fresh', ...over })
}

function judged(facts: TokenFacts, ...targets: readonly Target[]): Verdict {
  const index = indexAt(10)
  for (const target of targets) fold(index, revoking(target))
  return ask(index, { facts })
}

/** Everything that can be wrong with a token, in the order of precedence. */
const CONDITIONS = ['lost', 'revoked', 'held', 'expired', 'not_yet_valid', 'rotated', 'stale'] as const
type Condition = (typeof CONDITIONS)[number]

function underConditions(conditions: ReadonlySet<Condition>): Verdict {
  const index = indexAt(10)
  if (conditions.has('revoked')) fold(index, revoking(tokenTarget(1)))
  if (conditions.has('held')) fold(index, { kind: 'hold', id: 'h', target: tokenTarget(1) })
  if (conditions.has('lost')) {
    fold(index, { kind: 'epoch', ordinal: 2, epochId: 'f'.repeat(22), lostBelow: position(1, 8) })
  }
  const facts = factsAt(1, {
    ...(conditions.has('expired') ? { expiresAtMs: NOW_MS } : {}),
    ...(conditions.has('not_yet_valid') ? { notBeforeMs: NOW_MS + 1 } : {}),
  })
  return judge({
    facts,
    index,
    nowMs: NOW_MS,
    lag: conditions.has('stale') ? 'stale' : 'fresh',
    spent: conditions.has('rotated') ? 'rotated' : undefined,
  })
}

test('of all 128 sets of conditions the first in order gives the verdict; the empty one is active', () => {
  for (let set = 0; set < 2 ** CONDITIONS.length; set += 1) {
    const conditions = CONDITIONS.filter((_, at) => (set >> at) & 1)
    const first = conditions[0]
    const verdict = underConditions(new Set(conditions))
    if (first === undefined) assert.deepEqual(verdict, ACTIVE)
    else if (first === 'stale') assert.deepEqual(verdict, { kind: 'unknown', why: 'stale' })
    else assert.deepEqual(verdict, inactive(first), conditions.join(' '))
  }
})

describe('time', () => {
  test('a token is dead on its expiry, not only after it (RFC 7519 §4.1.4)', () => {
    const index = indexAt(10)
    const facts = factsAt(1, { expiresAtMs: NOW_MS })
    assert.deepEqual(ask(index, { facts, nowMs: NOW_MS - 1 }), ACTIVE)
    assert.deepEqual(ask(index, { facts, nowMs: NOW_MS }), inactive('expired'))
    assert.deepEqual(ask(index, { facts, nowMs: NOW_MS + 1 }), inactive('expired'))
  })

  test('the floor takes precedence over a clock that was set back (model §3.4)', () => {
    const index = indexAt(10)
    index.raiseFloor(NOW_MS)
    const yearsAgo = NOW_MS - 900 * DAY_MS
    assert.deepEqual(
      ask(index, { facts: factsAt(1, { expiresAtMs: NOW_MS }), nowMs: yearsAgo }),
      inactive('expired'),
    )
    assert.deepEqual(ask(index, { facts: factsAt(1, { expiresAtMs: NOW_MS + 1 }), nowMs: yearsAgo }), ACTIVE)
    index.raiseFloor(NOW_MS - 1)
    assert.equal(index.floorMs, NOW_MS, 'it only rises')
  })

  test('a token is valid from its not-before on, not a millisecond earlier', () => {
    const facts = factsAt(1, { notBeforeMs: NOW_MS })
    assert.deepEqual(ask(indexAt(10), { facts, nowMs: NOW_MS - 1 }), inactive('not_yet_valid'))
    assert.deepEqual(ask(indexAt(10), { facts, nowMs: NOW_MS }), ACTIVE)
  })
})

describe('lag and single use', () => {
  test('an index that may be behind never says active, but reports tokens that it knows to be dead', () => {
    for (const lag of ['stale', 'starting'] satisfies Lag[]) {
      const index = indexAt(10)
      assert.deepEqual(ask(index, { lag }), { kind: 'unknown', why: lag })
      assert.deepEqual(ask(index, { lag, spent: 'rotated' }), inactive('rotated'))
      fold(index, revoking(tokenTarget(1)))
      assert.deepEqual(ask(index, { lag }), inactive('revoked'))
    }
  })

  test('the verdict on a spent token says how it was spent', () => {
    assert.deepEqual(ask(indexAt(10), { spent: 'rotated' }), inactive('rotated'))
    assert.deepEqual(ask(indexAt(10), { spent: 'consumed' }), inactive('consumed'))
  })
})

const UP: Ancestor = ancestorOf(factsAt(2, { expiresAtMs: NOW_MS + 1 }))

describe('things', () => {
  const exact: readonly (readonly [string, Target, Target])[] = [
    ['token', tokenTarget(1), tokenTarget(2)],
    [
      'grant',
      { kind: 'grant', source: SOURCE, grant: grantAt(1) },
      { kind: 'grant', source: SOURCE, grant: grantAt(2) },
    ],
    [
      'session',
      { kind: 'session', source: SOURCE, session: 'session 1' },
      { kind: 'session', source: SOURCE, session: 'session 2' },
    ],
    ['key', { kind: 'key', keyId: 'key 1' }, { kind: 'key', keyId: 'key 2' }],
  ]

  for (const [kind, own, other] of exact) {
    test(`a rule on a ${kind} hits tokens with its id, whenever issued, and nothing else (model §5.1)`, () => {
      assert.deepEqual(judged(factsAt(1), own), inactive('revoked'))
      assert.deepEqual(judged(factsAt(1, { position: position(1, 999) }), own), inactive('revoked'))
      assert.deepEqual(judged(factsAt(1), other), ACTIVE)
    })

    test(`a hold on a ${kind} holds it until it is released`, () => {
      const index = indexAt(10)
      fold(index, { kind: 'hold', id: 'h', target: own })
      assert.deepEqual(ask(index), inactive('held'))
      assert.deepEqual(ask(index, { facts: factsAt(3) }), ACTIVE)
      fold(index, { kind: 'release', id: 'h' })
      assert.deepEqual(ask(index), ACTIVE)
    })
  }

  test('grants and sessions with the same id in two sources are different; a key is the same in all', () => {
    const elsewhere = factsAt(1, { source: 'identity' })
    assert.deepEqual(judged(elsewhere, { kind: 'grant', source: SOURCE, grant: grantAt(1) }), ACTIVE)
    assert.deepEqual(judged(elsewhere, { kind: 'session', source: SOURCE, session: 'session 1' }), ACTIVE)
    assert.deepEqual(judged(elsewhere, { kind: 'key', keyId: 'key 1' }), inactive('revoked'))
  })

  test('a token judged without its digest is found by its handle', () => {
    const { digest: _, ...jwt } = factsAt(1)
    assert.deepEqual(judged(jwt, tokenTarget(1)), inactive('revoked'))
    assert.deepEqual(judged(jwt, tokenTarget(2)), ACTIVE)
  })
})

describe('foreign tokens', () => {
  const {
    digest: _digest,
    handle: _handle,
    grant: _grant,
    ...base
  } = factsAt(1, { source: 'iss:https://idp' })
  const facts: TokenFacts = { ...base, position: BEYOND_LOGS, foreign: { jti: 'j', skewMs: 60_000 } }
  const target: Target = { kind: 'foreign', issuer: 'https://idp', jti: 'j' }
  const { source } = facts
  const subject: CutoffTarget = {
    kind: 'cut',
    shape: 'subject',
    principals: { source, subject: 'subject 1' },
  }
  const at = (over: Partial<TokenFacts>): TokenFacts => ({ ...facts, ...over })
  const hit = (cutoff: CutoffTarget, one: TokenFacts): boolean => judged(one, cutoff).kind === 'inactive'

  test('a foreign token is revoked by its issuer and jti, and by no other pair', () => {
    assert.deepEqual(judged(facts, target), inactive('revoked'))
    assert.deepEqual(judged(facts, { ...target, issuer: 'https://idq' }), ACTIVE)
    assert.deepEqual(judged(facts, { ...target, jti: 'other' }), ACTIVE)
    assert.deepEqual(judged(factsAt(1, { source }), target), ACTIVE, 'one that is not foreign')
  })

  test('a cutoff hits what was issued up to its time and the skew, not a millisecond later (model §5.2)', () => {
    assert.ok(hit(subject, at({ issuedAtMs: NOW_MS + 60_000 })))
    assert.ok(!hit(subject, at({ issuedAtMs: NOW_MS + 60_001 })))
    assert.ok(hit(subject, at({ issuedAtMs: 1 })))
    assert.ok(!hit({ ...subject, principals: { source, subject: 'u' } }, at({ issuedAtMs: 1 })))
  })

  test('a dated cutoff goes by its instant instead of its time', () => {
    const dated = { ...subject, issuedBeforeMs: NOW_MS - 100_000 }
    assert.ok(hit(dated, at({ issuedAtMs: NOW_MS - 40_000 })))
    assert.ok(!hit(dated, at({ issuedAtMs: NOW_MS - 39_999 })))
  })

  test('a token without an issue time is hit by every cutoff, however old', () => {
    const { issuedAtMs: _issuedAtMs, ...silent } = facts
    for (const cutoff of [subject, { ...subject, issuedBeforeMs: 0 }, { ...subject, issuedBeforeMs: -5 }]) {
      assert.ok(hit(cutoff, silent))
    }
    assert.deepEqual(judged(silent, { ...target, jti: 'other' }), ACTIVE)
  })

  test('a cutoff by login uses the login time, not the token’s; without one it hits (model §5.6)', () => {
    const cutoff: CutoffTarget = { ...subject, basis: 'authenticated' }
    const login = (authenticatedAtMs: number): TokenFacts =>
      at({ issuedAtMs: NOW_MS + 3_600_000, foreign: { jti: 'j', skewMs: 60_000, authenticatedAtMs } })
    assert.ok(hit(cutoff, login(NOW_MS - 3_600_000)), 'minted later, of a session that is older')
    assert.ok(hit(cutoff, login(NOW_MS + 60_000)))
    assert.ok(!hit(cutoff, login(NOW_MS + 60_001)))
    assert.ok(hit(cutoff, at({ issuedAtMs: NOW_MS + 3_600_000 })))
    assert.ok(!hit(subject, login(NOW_MS - 3_600_000)), 'a cut by issue does not see the login')
    assert.deepEqual(judged(factsAt(1, { source }), cutoff), ACTIVE, 'none but foreign tokens have a login')
  })

  test('a realm cutoff hits foreign tokens, and a restore loses none of them', () => {
    const realm: CutoffTarget = { kind: 'cut', shape: 'realm', principals: { source } }
    assert.ok(hit(realm, facts))
    const index = indexAt(10)
    fold(index, { kind: 'epoch', ordinal: 2, epochId: 'e', lostBelow: position(1, 9) })
    assert.deepEqual(ask(index, { facts }), ACTIVE)
  })

  test('a hold on a subject also holds tokens that its issuer mints meanwhile', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target: subject })
    assert.deepEqual(ask(index, { facts: at({ issuedAtMs: NOW_MS + 3_600_000 }) }), inactive('held'))
    fold(index, { kind: 'release', id: 'h' })
    assert.deepEqual(ask(index, { facts }), ACTIVE)
  })

  test('a dated hold leaves tokens issued after its instant', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target: { ...subject, issuedBeforeMs: NOW_MS } })
    assert.deepEqual(ask(index, { facts: at({ issuedAtMs: NOW_MS + 60_000 }) }), inactive('held'))
    assert.deepEqual(ask(index, { facts: at({ issuedAtMs: NOW_MS + 60_001 }) }), ACTIVE)
  })

  test('a foreign token is held by its issuer and jti', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target })
    assert.deepEqual(ask(index, { facts }), inactive('held'))
    assert.deepEqual(ask(index), ACTIVE)
    fold(index, { kind: 'release', id: 'h' })
    assert.deepEqual(ask(index, { facts }), ACTIVE)
  })
})

describe('cut-offs', () => {
  const names = { source: SOURCE, subject: 'subject 1', client: 'client 1', tenant: 'tenant 1' }
  const strangers: Readonly<Record<CutoffShape, Partial<TokenFacts> | undefined>> = {
    realm: undefined,
    source: { source: 'identity' },
    tenant: { tenant: 'u' },
    subject: { subject: 'u' },
    client: { client: 'u' },
    'subject+client': { client: 'u' },
    'subject+tenant': { tenant: 'u' },
    'tenant+client': { client: 'u' },
  }

  for (const shape of Object.keys(strangers) as CutoffShape[]) {
    test(`a cut of shape ${shape} hits tokens issued before it, and nothing else (model §5.2)`, () => {
      const target: Target = { kind: 'cut', shape, principals: names }
      const index = indexAt(10)
      fold(index, revoking(target))
      const at = (seq: number): TokenFacts => factsAt(1, { position: position(1, seq) })
      assert.deepEqual(ask(index, { facts: at(10) }), inactive('revoked'))
      assert.deepEqual(ask(index, { facts: at(11) }), ACTIVE, 'minted at the cut: signing in again works')
      assert.deepEqual(ask(index, { facts: at(12) }), ACTIVE)
      const stranger = strangers[shape]
      if (stranger !== undefined) assert.deepEqual(ask(index, { facts: factsAt(1, stranger) }), ACTIVE)
    })

    test(`a cut of shape ${shape} that hits an ancestor hits the token (model §2.2)`, () => {
      const index = indexAt(10)
      fold(
        index,
        revoking({
          kind: 'cut',
          shape,
          principals: { ...names, subject: 'subject 2', client: 'client 2', tenant: 'tenant 2' },
        }),
      )
      const child = factsAt(1, { position: position(1, 20), ancestors: [UP] })
      assert.deepEqual(ask(index, { facts: child }), inactive('revoked'))
      const young = factsAt(1, {
        position: position(1, 20),
        ancestors: [{ ...UP, position: position(1, 20) }],
      })
      assert.deepEqual(ask(index, { facts: young }), ACTIVE)
    })
  }

  test('[D10] the same name as subject, client and tenant means three different principals', () => {
    const facts = factsAt(1, { subject: '77', client: 'a', tenant: 'b' })
    const cutoff = (shape: CutoffShape): Target => ({
      kind: 'cut',
      shape,
      principals: { source: SOURCE, subject: '77', client: '77', tenant: '77' },
    })
    assert.deepEqual(judged(facts, cutoff('client'), cutoff('tenant'), cutoff('tenant+client')), ACTIVE)
    assert.deepEqual(judged(facts, cutoff('subject')), inactive('revoked'))
  })

  test('[H04] a dated cutoff spares tokens issued from its instant on; a later cutoff does not shorten it', () => {
    const dated = (issuedBeforeMs: number): Target => ({
      kind: 'cut',
      shape: 'client',
      principals: names,
      issuedBeforeMs,
    })
    assert.deepEqual(judged(factsAt(1), dated(NOW_MS)), ACTIVE)
    assert.deepEqual(judged(factsAt(1), dated(NOW_MS + 1)), inactive('revoked'))
    assert.deepEqual(judged(factsAt(1), dated(NOW_MS + 1), dated(NOW_MS - DAY_MS)), inactive('revoked'))
    assert.deepEqual(judged(factsAt(1, { position: position(1, 50) }), dated(NOW_MS + 1)), ACTIVE)
  })
})

describe('holds in the verdict', () => {
  const names = { source: SOURCE, client: 'client 1' }
  const target: Target = { kind: 'cut', shape: 'client', principals: names }

  test('revoked takes precedence over held, and stays when the hold is released (model §5.5)', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target })
    fold(index, revoking(tokenTarget(1)))
    assert.deepEqual(ask(index), inactive('revoked'))
    fold(index, { kind: 'release', id: 'h' })
    assert.deepEqual(ask(index), inactive('revoked'))
  })

  test('during a hold nothing may be minted for its targets; after its release it may', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target })
    fold(index, { kind: 'hold', id: 'i', target })
    assert.equal(isMintingHeld({ ...names, subject: 's' }, index), true)
    assert.equal(isMintingHeld({ source: SOURCE, client: 'other' }, index), false)
    fold(index, { kind: 'release', id: 'h' })
    assert.equal(isMintingHeld(names, index), true)
    fold(index, { kind: 'release', id: 'i' })
    assert.equal(isMintingHeld(names, index), false)
  })

  test('no clock ends a hold', () => {
    const index = indexAt(10)
    fold(index, { kind: 'hold', id: 'h', target })
    const facts = factsAt(1, { expiresAtMs: NOW_MS + 900 * DAY_MS })
    assert.deepEqual(ask(index, { facts, nowMs: NOW_MS + 800 * DAY_MS }), inactive('held'))
    index.raiseFloor(NOW_MS + 800 * DAY_MS)
    for (let slice = 0; slice < 64; slice += 1) index.dropExpired(slice)
    assert.deepEqual(ask(index, { facts, nowMs: NOW_MS + 800 * DAY_MS }), inactive('held'))
  })
})

// A token made with the help of another one, which shares neither grant nor session nor key with it.
describe('what hits an ancestor hits the token (model §2.2)', () => {
  const {
    digest: _digest,
    handle: _handle,
    grant: _grant,
    ...bare
  } = factsAt(4, { source: 'iss:https://idp' })
  const foreign = { ...bare, position: BEYOND_LOGS, foreign: { jti: 'j', skewMs: 0 } }
  /** The actor is last, after an ancestor that no rule hits. */
  const child = factsAt(1, { ancestors: ancestorsFrom([factsAt(3), factsAt(2), foreign]) })
  const cutoff = (shape: CutoffShape, nth: number, source = SOURCE): Target => ({
    kind: 'cut',
    shape,
    principals: { source, subject: `subject ${nth}`, client: `client ${nth}`, tenant: `tenant ${nth}` },
  })
  const hits: Readonly<Record<string, (nth: number) => Target>> = {
    token: (nth) => tokenTarget(nth),
    grant: (nth) => ({ kind: 'grant', source: SOURCE, grant: grantAt(nth) }),
    session: (nth) => ({ kind: 'session', source: SOURCE, session: `session ${nth}` }),
    key: (nth) => ({ kind: 'key', keyId: `key ${nth}` }),
    subject: (nth) => cutoff('subject', nth),
    'tenant and client': (nth) => cutoff('tenant+client', nth),
  }
  const foreignHits: Readonly<Record<string, (nth: number) => Target>> = {
    jti: (nth) => ({ kind: 'foreign', issuer: 'https://idp', jti: nth === 2 ? 'j' : 'other' }),
    session: (nth) => ({
      kind: 'session',
      source: 'iss:https://idp',
      session: nth === 2 ? 'session 4' : 'session 9',
    }),
    subject: (nth) => cutoff('subject', nth === 2 ? 4 : 9, 'iss:https://idp'),
  }
  const all = [
    ...Object.entries(hits).map(([name, target]) => [`the ${name} of an actor`, target] as const),
    ...Object.entries(foreignHits).map(([name, target]) => [`the ${name} of a foreign one`, target] as const),
  ]
  for (const [name, target] of all) {
    test(`[H15] [E02] a rule on ${name} ends it, and a hold holds it until it is released`, () => {
      const [hit, miss] = [target(2), target(9)]
      assert.deepEqual(judged(child, miss), ACTIVE)
      assert.deepEqual(judged(child, hit), inactive('revoked'))
      assert.ok(covers(hit, child) && !covers(miss, child))
      const index = indexAt(10)
      fold(index, { kind: 'hold', id: 'h', target: hit })
      assert.deepEqual(ask(index, { facts: child }), inactive('held'))
      fold(index, { kind: 'release', id: 'h' })
      assert.deepEqual(ask(index, { facts: child }), ACTIVE)
    })
  }

  test('[H15] the same ids in another source are different', () => {
    assert.deepEqual(judged(child, tokenTarget(2, 'identity')), ACTIVE)
    assert.deepEqual(judged(child, { kind: 'grant', source: 'identity', grant: grantAt(2) }), ACTIVE)
    assert.deepEqual(judged(child, { kind: 'session', source: 'identity', session: 'session 2' }), ACTIVE)
  })

  test('[H15] an ancestor without ids that a rule could name never makes a token active', () => {
    const { grant: _old, session: _older, ...before } = UP
    const old = factsAt(1, { ancestors: [before] })
    assert.deepEqual(judged(old), inactive('unknown'))
    assert.deepEqual(judged(old, tokenTarget(2)), inactive('revoked'))
  })
})
