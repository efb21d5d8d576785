import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeSnapshot, ORIGIN } from '@rescind/core'
import fc from 'fast-check'
import {
  BOUND_MS,
  ending,
  mint,
  openVerifierWorld,
  say,
  type VerifierWorld,
} from '../test/kit/world-verifier.ts'
import { decide } from './guard/bearer.ts'
import { SourceFailed } from './source/trouble.ts'
import { MemorySource } from './testing/memory-source.ts'

async function live(
  onStale?: 'refuse' | 'ask' | 'allow',
): Promise<VerifierWorld & { readonly token: string }> {
  const world = openVerifierWorld(onStale === undefined ? {} : { onStale })
  const token = mint(world.source, 1)
  await world.time.run(500)
  assert.equal(say(await world.verifier.verify(token)), 'active')
  assert.equal(say(world.verifier.check(token)), 'active')
  return { ...world, token }
}

describe('a verifier that cannot prove that it is fresh', () => {
  test('[A12] is unknown from the start until it has heard where the log ends', async () => {
    const world = openVerifierWorld()
    const token = mint(world.source, 1)
    assert.equal(say(world.verifier.check(token)), 'unknown: starting')
    world.source.mode = 'silent'
    await world.time.run(60_000)
    assert.equal(say(world.verifier.check(token)), 'unknown: starting')
    await assert.rejects(Promise.all([world.verifier.ready(1_000), world.time.run(1_001)]), /not ready/)
  })

  test('[F01] refuses past its bound behind a cut cable, even if the connection looks open, and not before', async () => {
    const { time, source, verifier, token } = await live()
    source.mode = 'silent'
    source.append(ending(source, 1))
    const asOf = verifier.stats().asOf ?? 0
    await time.run(asOf + BOUND_MS - time.wallMs())
    assert.equal(say(verifier.check(token)), 'active', 'within the bound it may be wrong')
    await time.run(1)
    assert.equal(say(verifier.check(token)), 'unknown: stale')
    source.mode = 'up'
    source.breakOff()
    await time.run(3_000)
    assert.equal(say(verifier.check(token)), 'inactive: revoked')
  })

  test('does not become fresh when questions are answered but the stream is silent', async () => {
    const { time, source, verifier, token } = await live()
    source.streamStalls = true
    source.append(ending(source, 1))
    await time.run(BOUND_MS + 1_001)
    assert.notEqual(verifier.check(token).kind, 'active')
    source.streamStalls = false
    await time.run(3_000)
    assert.equal(say(verifier.check(token)), 'inactive: revoked', 'it has connected again by itself')
  })

  test('is stale at once after a pause or a sleep of the machine, before anything has run', async () => {
    for (const slept of [false, true]) {
      const { time, source, verifier, token } = await live()
      source.mode = 'silent'
      source.append(ending(source, 1))
      time.pause(BOUND_MS + 1, slept)
      assert.equal(say(verifier.check(token)), 'unknown: stale')
      source.mode = 'up'
      source.breakOff()
      await time.run(3_000)
      assert.equal(say(verifier.check(token)), 'inactive: revoked')
    }
  })

  test('an answer that took longer than the bound proves nothing', async () => {
    const { time, source, verifier, token } = await live()
    let release = (): void => {}
    const answer = source.acknowledge.bind(source)
    source.acknowledge = (ask) =>
      new Promise((resolve) => {
        const at = answer(ask)
        release = () => resolve(at)
      })
    await time.run(1_500)
    source.mode = 'silent'
    source.append(ending(source, 1))
    await time.run(BOUND_MS)
    release()
    await time.run(10)
    assert.equal(say(verifier.check(token)), 'unknown: stale')
  })

  test('[F18] asks, or marks the answer, if configured so; a call may only be stricter', async () => {
    const asks = await live('ask')
    asks.source.breakOff()
    asks.source.stream = () => () => {}
    asks.source.acknowledge = () => Promise.reject(new SourceFailed('no'))
    await asks.time.run(BOUND_MS + 1_500)
    assert.equal(say(asks.verifier.check(asks.token)), 'unknown: stale')
    assert.equal(say(await asks.verifier.verify(asks.token)), 'active')
    assert.equal(say(await asks.verifier.verify(asks.token, { onStale: 'refuse' })), 'unknown: stale')
    assert.equal(
      say(await asks.verifier.verify(asks.token, { onStale: 'allow' })),
      'active',
      'asked, not marked',
    )

    const allows = await live('allow')
    allows.source.mode = 'silent'
    await allows.time.run(BOUND_MS + 1_500)
    const marked = allows.verifier.check(allows.token)
    assert.equal(say(marked), 'active, stale')
    assert.ok(marked.kind === 'active' && marked.asOf < allows.time.wallMs() - BOUND_MS)
    assert.equal(say(allows.verifier.check(allows.token, { onStale: 'refuse' })), 'unknown: stale')
    assert.equal(
      say(openVerifierWorld({ onStale: 'allow' }).verifier.check(allows.token)),
      'unknown: starting',
    )
  })

  test('[CAT-H11] no step of the wall clock revives what expired or makes anything fresh', async () => {
    const { time, source, verifier } = await live()
    const short = mint(source, 2, { expiresAt: new Date(time.wallMs() + 10_000).toISOString() })
    assert.equal(say(await verifier.verify(short)), 'active')
    await time.run(10_001)
    assert.equal(say(verifier.check(short)), 'inactive: expired')
    time.step(-3_600_000)
    assert.equal(say(verifier.check(short)), 'inactive: expired')
    time.step(7_200_000)
    assert.equal(verifier.check(mint(source, 1)).kind, 'unknown', 'a step ahead is a doubt')
    await time.run(2_000)
    assert.equal(say(verifier.check('token 1')), 'active', 'until the server was asked again')
  })
})

describe('a server whose log has changed', () => {
  test('[F13] is not believed when its log ends before a checkpoint that it issued; nothing is taken back', async () => {
    const { time, source, verifier, states, token } = await live()
    source.append(ending(source, 7))
    await time.run(100)
    const older = new MemorySource(() => time.wallMs())
    source.rows = source.rows.slice(0, 1)
    source.index = older.index
    await time.run(2_000)
    assert.equal(states.at(-1), 'forked')
    assert.equal(say(verifier.check(token)), 'unknown: stale')
    assert.equal(say(verifier.check('token 7')), 'inactive: revoked')
  })

  test('is not believed when the same checkpoint has another history', async () => {
    const { time, source, verifier, states } = await live()
    source.append(ending(source, 7))
    await time.run(100)
    const other = new MemorySource(() => time.wallMs())
    other.append(ending(other, 8))
    source.rows = other.rows
    source.index = other.index
    await time.run(2_000)
    assert.equal(states.at(-1), 'forked')
    assert.equal(say(verifier.check('token 7')), 'inactive: revoked')
  })

  test('begins a new epoch: revocations in rows that it lost stay in force here', async () => {
    const { time, source, verifier, token } = await live()
    source.append(ending(source, 7))
    await time.run(100)
    const restored = new MemorySource(() => time.wallMs())
    restored.append({ kind: 'epoch', ordinal: 2, epochId: 'restored', lostBelow: ORIGIN })
    source.rows = restored.rows
    source.index = restored.index
    source.breakOff()
    await time.run(10_000)
    assert.deepEqual([verifier.stats().epoch, verifier.state], [2, 'live'])
    assert.equal(say(verifier.check('token 7')), 'inactive: revoked')
    assert.equal(say(verifier.check(token)), 'active')
    source.append(ending(source, 1))
    assert.equal(say(verifier.check(token)), 'inactive: revoked')
  })

  test('[D12] a damaged, truncated or forged snapshot or event is refused, and the next valid one is accepted', async () => {
    const world = openVerifierWorld()
    const token = mint(world.source, 1)
    const good = world.source.snapshot.bind(world.source)
    let bad: Uint8Array = Buffer.alloc(0)
    world.source.snapshot = () => Promise.resolve(bad)
    for (const make of [
      (bytes: Buffer) => bytes.subarray(0, -1),
      (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)]),
      (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte))),
      () => Buffer.from('not a snapshot'),
    ]) {
      bad = make(encodeSnapshot(world.source.index, world.source.position()))
      await world.time.run(3_000)
      assert.equal(say(world.verifier.check(token)), 'unknown: starting')
    }
    world.source.snapshot = good
    await world.time.run(3_000)
    assert.equal(say(await world.verifier.verify(token)), 'active')
    const { source, verifier, time } = world
    source.append(ending(source, 8))
    const forged = source.event(source.rows.length - 1, source.rows.length)
    const next = new MemorySource(() => time.wallMs())
    for (const event of [
      { ...forged, prev: forged.prev + 1, rows: [] },
      { ...forged, prev: source.rows.length },
      { ...forged, prev: source.rows.length, position: next.position() },
    ])
      source.inject(event)
    await time.run(3_000)
    assert.equal(verifier.stats().seq, source.rows.length)
    assert.equal(verifier.state, 'live')
  })

  test('a refused key keeps the known state, and is reported', async () => {
    const { time, source, verifier, states, token } = await live()
    source.append(ending(source, 7))
    source.config = () => Promise.reject(new SourceFailed('no', 401))
    source.stream = (_, listener) => {
      queueMicrotask(() => listener.ended(new SourceFailed('no', 401)))
      return () => {}
    }
    source.acknowledge = () => Promise.reject(new SourceFailed('no', 401))
    await time.run(BOUND_MS + 3_000)
    assert.equal(states.at(-1), 'refused')
    assert.equal(say(verifier.check('token 7')), 'inactive: revoked')
    assert.equal(say(verifier.check(token)), 'unknown: stale')
  })
})

type Act =
  | 'revoke'
  | 'cut'
  | 'silent'
  | 'down'
  | 'up'
  | 'break'
  | 'stall'
  | 'flow'
  | 'pause'
  | 'sleep'
  | 'step'
  | 'run'

test('under all faults, no revoked token is active past the bound, and none becomes active again', async () => {
  const acts = fc.array(
    fc.tuple(
      fc.constantFrom<Act>(
        ...([
          'revoke',
          'cut',
          'silent',
          'down',
          'up',
          'break',
          'stall',
          'flow',
          'pause',
          'sleep',
          'step',
          'run',
          'run',
          'run',
        ] as const),
      ),
      fc.nat(8_000),
    ),
    { minLength: 5, maxLength: 40 },
  )
  let judged = 0
  await fc.assert(
    fc.asyncProperty(acts, async (plan) => {
      const { time, source, verifier } = openVerifierWorld()
      const tokens = Array.from({ length: 6 }, (_, nth) => mint(source, nth))
      await time.run(500)
      for (const token of tokens) await verifier.verify(token)
      /** When each token was revoked, by a clock that steps do not affect. */
      const endedAtMs = new Map<string, number>()
      const over = new Set<string>()
      let trueMs = 0
      // If a machine sleeps while its wall clock is set back, no clock shows that any time passed.
      const leastStep = plan.some(([act]) => act === 'sleep') ? 0 : -4_000
      for (const [act, amount] of plan) {
        const nth = amount % tokens.length
        if (act === 'revoke') {
          source.append(ending(source, nth))
          endedAtMs.set(`token ${nth}`, endedAtMs.get(`token ${nth}`) ?? trueMs)
        } else if (act === 'cut') {
          const principals = { source: 'oauth', client: `c${nth % 3}` }
          source.append({
            kind: 'revoke',
            keepUntilMs: 9e15,
            target: { kind: 'cut', shape: 'client', principals },
          })
          tokens.forEach((token, at) => {
            if (at % 3 === nth % 3) endedAtMs.set(token, endedAtMs.get(token) ?? trueMs)
          })
        } else if (act === 'silent' || act === 'down' || act === 'up') source.mode = act
        else if (act === 'break') source.breakOff()
        else if (act === 'stall') source.streamStalls = true
        else if (act === 'flow') source.streamStalls = false
        else if (act === 'step') time.step(amount + leastStep)
        else {
          trueMs += amount
          if (act === 'run') await time.run(amount)
          else time.pause(amount, act === 'sleep')
        }
        for (const token of tokens) {
          judged += 1
          const result = verifier.check(token)
          const at = endedAtMs.get(token)
          if (result.kind === 'active' && at !== undefined)
            assert.ok(trueMs - at <= BOUND_MS, `${token} is active ${trueMs - at} ms after its end`)
          if (over.has(token)) assert.notEqual(result.kind, 'active', `${token} came back`)
          if (result.kind === 'inactive') over.add(token)
        }
      }
      const closing = verifier.close()
      source.breakOff()
      await closing
    }),
    { numRuns: 400 },
  )
  assert.ok(judged > 5_000, `${judged} verdicts`)
})

describe('a verifier beside a server of another version', () => {
  test('[H8] an unknown reason means inactive; an undefined one never means active', async () => {
    const { source, time, verifier } = openVerifierWorld()
    await time.run(500)
    for (const why of ['quarantined', 'constructor', '__proto__', '', 'active']) {
      const token = `a token that is ${why}`
      source.tokens.set(token, { verdict: { kind: 'inactive', why: why as 'revoked' }, facts: undefined })
      assert.equal(say(await verifier.verify(token)), 'inactive: unknown', why)
      const decision = await decide(verifier, `Bearer x-${why}`, { audience: 'any' })
      assert.equal(decision.kind, 'deny')
    }
  })

  test('[W1] [H1] facts without what a token may be used as are asked for again, never filled in', async () => {
    const { source, time, verifier } = openVerifierWorld()
    await time.run(500)
    const lacking = [
      ...[{ kind: undefined }, { kind: 'a-kind-of-a-newer-server' }, { kind: 7 }, { scopes: undefined }],
      ...[
        { scopes: 'read' },
        { scopes: ['read', 7] },
        { audience: 'https://a' },
        { audience: [7] },
        { source: 7 },
      ],
    ]
    for (const [at, over] of lacking.entries()) {
      const token = mint(source, at, over)
      assert.equal(say(await verifier.verify(token)), 'unknown: unseen', JSON.stringify(over))
      assert.equal(say(verifier.check(token)), 'unknown: unseen')
      const { asked } = verifier.stats()
      await verifier.verify(token)
      assert.equal(verifier.stats().asked, asked + 1, 'it was not remembered')
    }
    assert.equal(verifier.stats().remembered, 0)
  })

  test('[H1] a token of a kind that is not for access is never active, whatever the server says', async () => {
    for (const onStale of ['refuse', 'ask', 'allow'] as const) {
      const { source, time, verifier } = openVerifierWorld({ onStale })
      const early = mint(source, 99, { kind: 'refresh' })
      assert.notEqual((await verifier.verify(early)).kind, 'active', 'before anything is known here')
      await time.run(500)
      for (const [at, kind] of ['refresh', 'code', 'limited', 'foreign-other'].entries()) {
        const token = mint(source, at, { kind })
        assert.equal(say(await verifier.verify(token)), 'inactive: not_access', kind)
        assert.notEqual(verifier.check(token).kind, 'active')
      }
      const limited = mint(source, 9, { kind: 'limited' })
      await verifier.verify(limited)
      source.mode = 'silent'
      time.pause(BOUND_MS * 2)
      assert.notEqual(verifier.check(limited).kind, 'active', `stale, ${onStale}`)
    }
  })
})
