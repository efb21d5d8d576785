import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HandTime, settled } from '../test/kit/hand-timers.ts'
import {
  BOUND_MS,
  ending,
  mint,
  openVerifierWorld,
  say,
  type VerifierWorld,
} from '../test/kit/world-verifier.ts'
import { decide } from './guard/bearer.ts'
import type { OnStale } from './results.ts'
import { SourceFailed } from './source/trouble.ts'
import { MemorySource } from './testing/memory-source.ts'

/*
 * [H11] A positive answer that was true once, but is taken for true later than the bound, because its carrier or its receiver
 * stood still.
 */

const POLICIES: readonly OnStale[] = ['refuse', 'ask', 'allow']

/** From now on, answers about single tokens are fixed when they are asked for, and arrive when the test says so. */
function holdAnswers(source: MemorySource): { readonly release: () => Promise<void> } {
  const held: (() => void)[] = []
  const ask = source.ask.bind(source)
  source.ask = async (token) => {
    const answer = await ask(token)
    await new Promise<void>((resolve) => held.push(resolve))
    return answer
  }
  return {
    release: async () => {
      for (const go of held.splice(0)) go()
      await settled()
    },
  }
}

/** Cuts the connection, but still answers questions about single tokens. */
function disconnectFeed(source: MemorySource): void {
  source.stream = () => () => {}
  source.acknowledge = () => Promise.reject(new SourceFailed('no'))
  source.streamStalls = true
  source.breakOff()
}

async function world(onStale: OnStale): Promise<VerifierWorld> {
  const made = openVerifierWorld({ onStale })
  await made.time.run(500)
  return made
}

const LATER: readonly (readonly [name: string, pass: (world: VerifierWorld) => Promise<void> | void])[] = [
  ['time that passes', ({ time }) => time.run(BOUND_MS + 1)],
  ['a process that was stopped', ({ time }) => time.pause(BOUND_MS + 1)],
  ['a machine that slept, by the wall clock alone', ({ time }) => time.pause(BOUND_MS + 1, true)],
  ['a wall clock that was set ahead', ({ time }) => time.step(BOUND_MS + 1)],
]

for (const onStale of POLICIES) {
  for (const [name, pass] of LATER) {
    test(`[H11] an answer counts from the sending of its question: ${name}, ${onStale}`, async () => {
      const made = await world(onStale)
      const { source, verifier } = made
      const token = mint(source, 1)
      const { release } = holdAnswers(source)
      const asked = verifier.verify(token)
      const guarded = decide(verifier, `Bearer ${token.replace(' ', '-')}`, { audience: 'any' })
      source.tokens.set('token-1', source.tokens.get(token) ?? assert.fail())
      const told: string[] = []
      verifier.onRevoked(token, (ended) => void told.push(say(ended)))
      await settled()
      disconnectFeed(source)
      source.append(ending(source, 1))
      await pass(made)
      await release()
      assert.equal(say(await asked), 'unknown: stale')
      const decision = await guarded
      assert.equal(decision.kind === 'deny' && decision.denial.status, 503)
      assert.equal(verifier.stats().remembered, 0, 'what came too late is not remembered')
    })
  }
}

test('[H11] an answer in time counts, up to the bound to the millisecond', async () => {
  for (const [ms, said] of [
    [BOUND_MS, 'active'],
    [BOUND_MS + 1, 'unknown: stale'],
  ] as const) {
    const { time, source, verifier } = await world('ask')
    disconnectFeed(source)
    await time.run(BOUND_MS + 1)
    const token = mint(source, 1)
    const { release } = holdAnswers(source)
    const asked = verifier.verify(token)
    await settled()
    time.pause(ms)
    await release()
    const result = await asked
    assert.equal(say(result), said)
    if (result.kind === 'active') assert.equal(result.asOf, time.wallMs() - BOUND_MS, 'as of the question')
  }
})

describe('[H11] a question asked before the lapse', () => {
  test('never gives active after it, even if its own bound has not passed', async () => {
    const { time, source, verifier } = await world('refuse')
    disconnectFeed(source)
    await time.run((verifier.stats().asOf ?? 0) + BOUND_MS - 1 - time.wallMs())
    const token = mint(source, 1)
    const { release } = holdAnswers(source)
    const asked = verifier.verify(token)
    await settled()
    await time.run(2)
    assert.equal(verifier.stats().lag, 'stale', 'from here on a receipt says that this instance refuses')
    await release()
    assert.equal(say(await asked), 'unknown: stale')
  })

  test('is asked again if asking is configured', async () => {
    const { time, source, verifier } = await world('ask')
    disconnectFeed(source)
    await time.run((verifier.stats().asOf ?? 0) + BOUND_MS - 1 - time.wallMs())
    const token = mint(source, 1)
    const { release } = holdAnswers(source)
    const asked = verifier.verify(token)
    await settled()
    await time.run(2)
    source.tokens.set(token, { verdict: { kind: 'inactive', why: 'revoked' }, facts: undefined })
    await release()
    await release()
    assert.equal(say(await asked), 'inactive: revoked')
    assert.equal(verifier.stats().asked, 2)
  })

  test('is not shared by a stricter caller than the one that asked', async () => {
    const { time, source, verifier } = await world('ask')
    disconnectFeed(source)
    await time.run(BOUND_MS + 1)
    const token = mint(source, 1)
    const [loose, strict] = [verifier.verify(token), verifier.verify(token, { onStale: 'refuse' })]
    assert.deepEqual([say(await loose), say(await strict)], ['active', 'unknown: stale'])
    assert.equal(verifier.stats().asked, 1)
  })
})

test('[H11] before anything is known here an answer counts from its question, too, and by both clocks', async () => {
  for (const [, pass] of LATER) {
    const time = new HandTime()
    const source = new MemorySource(() => time.wallMs())
    source.config = () => new Promise(() => {})
    const made = openVerifierWorld({ onStale: 'ask', time, source })
    const { verifier } = made
    const token = mint(source, 1)
    const { release } = holdAnswers(source)
    const [late, soon] = [verifier.verify(token), verifier.verify('nobody knows this')]
    await settled()
    await pass(made)
    await release()
    assert.deepEqual([say(await late), say(await soon)], ['unknown: starting', 'unknown: starting'])
    const again = verifier.verify(token)
    await settled()
    await release()
    const result = await again
    assert.ok(result.kind === 'active' && result.asOf === made.time.wallMs())
  }
})

test('[H11] a rule that came while a question was out counts, whatever the answer says', async () => {
  const { source, verifier } = openVerifierWorld({ onStale: 'ask' })
  const token = mint(source, 1)
  const { release } = holdAnswers(source)
  const asked = verifier.verify(token)
  await settled()
  source.append(ending(source, 1))
  await settled()
  await release()
  assert.equal(say(await asked), 'inactive: revoked')
})

test('[H11] a stale verifier that refuses returns unknown for a token that it has just asked about', async () => {
  const { time, source, verifier } = await world('refuse')
  disconnectFeed(source)
  await time.run(BOUND_MS + 1)
  assert.equal(say(await verifier.verify(mint(source, 1))), 'unknown: stale')
  source.tokens.set('token 2', { verdict: { kind: 'inactive', why: 'revoked' }, facts: undefined })
  assert.equal(
    say(await verifier.verify('token 2')),
    'inactive: revoked',
    'the end of a token is news all the same',
  )
})

test('[H11] a verifier that was stopped, or whose server was rolled back, asks nothing and returns active for nothing', async () => {
  const stopped = await world('ask')
  const token = mint(stopped.source, 1)
  await stopped.verifier.verify(token)
  await stopped.verifier.close()
  assert.equal(say(await stopped.verifier.verify(token)), 'unknown: stale')
  assert.equal(say(stopped.verifier.check(token)), 'unknown: stale')

  const { time, source, verifier, states } = await world('ask')
  await verifier.verify(mint(source, 1))
  source.acknowledge = () => Promise.reject(new SourceFailed('forked', 409))
  await time.run(2_000)
  assert.equal(states.at(-1), 'forked')
  assert.equal(say(await verifier.verify('token 1')), 'unknown: stale')
  source.mode = 'down'
  source.stream = (_, listener) => {
    queueMicrotask(() => listener.ended(new SourceFailed('the server is down')))
    return () => {}
  }
  await time.run(20_000)
  assert.equal(states.at(-1), 'disconnected')
  source.mode = 'up'
  assert.equal(say(await verifier.verify('token 1')), 'unknown: stale', 'still believed nothing')
})
