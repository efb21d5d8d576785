import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { settled } from '../test/kit/hand-timers.ts'
import { BOUND_MS, ending, mint, openVerifierWorld, say } from '../test/kit/world-verifier.ts'
import { type OnStale, openVerifier, type Verifier } from './index.ts'
import { TIMERS } from './source/timers.ts'
import type { StreamAsk } from './source/transport.ts'
import { MemorySource } from './testing/memory-source.ts'

/** The parameters with which streams of a source were opened. */
function asksOf(source: MemorySource): StreamAsk[] {
  const asks: StreamAsk[] = []
  const stream = source.stream.bind(source)
  source.stream = (ask, listener) => {
    asks.push(ask)
    return stream(ask, listener)
  }
  return asks
}

test('verifiers of one process with the same server and key share one question, one stream, one snapshot', async () => {
  const one = openVerifierWorld()
  const { time, source, engine } = one
  const asks = asksOf(source)
  const other = openVerifierWorld({ time, source, engine })
  await time.run(500)
  const token = mint(source, 1)
  assert.deepEqual((await Promise.all([one.verifier.verify(token), other.verifier.verify(token)])).map(say), [
    'active',
    'active',
  ])
  assert.deepEqual([source.asked, source.streams, asks.length], [1, 1, 1])
  const told: string[] = []
  one.verifier.onRevoked(token, (ended) => void told.push(`one ${say(ended)}`))
  other.verifier.onRevoked(token, (ended) => void told.push(`other ${say(ended)}`))
  source.append(ending(source, 1))
  assert.deepEqual(told, ['one inactive: revoked', 'other inactive: revoked'])
  assert.equal(one.verifier.stats().instance, other.verifier.stats().instance)
  assert.deepEqual([one.verifier.stats().watched, other.verifier.stats().checks > 0], [0, true])
})

test('one that stops judges no more and does not affect the others; the last one says goodbye', async () => {
  const one = openVerifierWorld()
  const { time, source, engine } = one
  const other = openVerifierWorld({ time, source, engine })
  await time.run(500)
  const token = mint(source, 1)
  const asked = one.verifier.verify(token)
  await one.verifier.close()
  assert.equal(say(await asked), 'unknown: stale', 'asked before, answered after')
  await one.verifier.close()
  assert.deepEqual([one.verifier.state, other.verifier.state], ['closed', 'live'])
  assert.deepEqual([one.states.at(-1), other.states.at(-1)], ['closed', 'live'])
  assert.equal(say(one.verifier.check(token)), 'unknown: stale')
  assert.equal(one.verifier.stats().lag, 'stale')
  assert.equal(say(await other.verifier.verify(token)), 'active')
  const acks = source.acks
  await other.verifier.close()
  assert.equal(source.acks, acks + 1, 'goodbye')
  assert.deepEqual([other.verifier.state, say(other.verifier.check(token))], ['closed', 'unknown: stale'])
})

test('the server learns the laxest policy, and no verifier is laxer than what the server learned', async () => {
  const strict = openVerifierWorld({ onStale: 'refuse' })
  const { time, source, engine } = strict
  const asks = asksOf(source)
  await time.run(500)
  const token = mint(source, 1)
  await strict.verifier.verify(token)
  const lax = openVerifierWorld({ time, source, engine, onStale: 'allow' })
  assert.deepEqual(
    asks.map(({ onStale }) => onStale),
    ['refuse'],
  )
  time.pause(BOUND_MS + 1)
  assert.equal(
    say(lax.verifier.check(token)),
    'unknown: stale',
    'a receipt takes this instance for one that refuses',
  )
  await time.run(2_000)
  assert.deepEqual(
    asks.map(({ onStale }) => onStale),
    ['refuse', 'allow'],
    'told at once, under the same id',
  )
  assert.equal(asks.at(-1)?.instance, 'ins_of_a_test')
  source.mode = 'silent'
  time.pause(BOUND_MS + 1)
  assert.equal(say(lax.verifier.check(token)), 'active, stale')
  assert.equal(say(strict.verifier.check(token)), 'unknown: stale')
  source.mode = 'up'
  source.breakOff()
  await time.run(3_000)
  await lax.verifier.close()
  await time.run(2_000)
  assert.equal(asks.at(-1)?.onStale, 'refuse', 'and when the lax one has gone')
})

test('[B18] an invalid policy counts as the strictest, for one call and for the verifier', async () => {
  const { time, source, verifier } = openVerifierWorld({ onStale: 'allow' })
  await time.run(500)
  const token = mint(source, 1)
  await verifier.verify(token)
  source.mode = 'silent'
  time.pause(BOUND_MS + 1)
  assert.equal(say(verifier.check(token)), 'active, stale')
  for (const onStale of ['Refuse', 'deny', '', null, 'toString', 0] as unknown as OnStale[]) {
    assert.equal(say(verifier.check(token, { onStale })), 'unknown: stale', String(onStale))
    const options = { url: 'http://127.0.0.1:1', key: 'k', onStale }
    assert.throws(() => openVerifier(options), { name: 'TypeError', message: /^onStale: / })
  }
})

test('a policy that changes while a stream is being opened is reported by the next one', async () => {
  const strict = openVerifierWorld({ onStale: 'refuse' })
  const { time, source, engine } = strict
  const asks = asksOf(source)
  const stream = source.stream.bind(source)
  source.stream = (ask, listener) => {
    source.stream = stream
    openVerifierWorld({ time, source, engine, onStale: 'ask' })
    return stream(ask, listener)
  }
  await time.run(2_000)
  assert.deepEqual(
    asks.map(({ onStale }) => onStale),
    ['refuse', 'ask'],
  )
  assert.equal(strict.verifier.state, 'live')
})

test('the state from one verifier’s file is known to all, and each writes its own', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const first = openVerifierWorld({ stateFile: a })
  const { time, source } = first
  const second = openVerifierWorld({ time, source, engine: first.engine, stateFile: b })
  await time.run(500)
  source.append(ending(source, 1))
  await settled()
  await first.verifier.close()
  await second.verifier.close()
  for (const stateFile of [a, b]) {
    const down = new MemorySource(() => time.wallMs())
    down.mode = 'down'
    const alone = openVerifierWorld({ time, source: down, onStale: 'allow' })
    const kept = openVerifierWorld({ time, source: down, engine: alone.engine, stateFile })
    assert.equal(kept.verifier.stats().stateFile, 'read')
    for (const { verifier } of [alone, kept])
      assert.equal(say(verifier.check('token 1')), 'inactive: revoked')
  }
  rmSync(folder, { recursive: true })
})

test('verifiers with the same state file write it one after the other, and as rarely as one does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const stateFile = join(folder, 'state')
  const first = openVerifierWorld({ stateFile })
  const { time, source, engine } = first
  const second = openVerifierWorld({ time, source, engine, stateFile })
  assert.equal(engine.stateFileAt(stateFile), engine.stateFileAt(stateFile))
  assert.notEqual(engine.stateFileAt(stateFile), engine.stateFileAt(`${stateFile}-of-another`))
  await time.run(500)
  source.append(ending(source, 1))
  await settled()
  await Promise.all([first.verifier.close(), second.verifier.close()])
  assert.deepEqual(readdirSync(folder), ['state'])
  const again = openVerifierWorld({ time, source, stateFile })
  assert.equal(again.verifier.stats().stateFile, 'read')
  assert.equal(say(again.verifier.check('token 1')), 'inactive: revoked')
  await again.verifier.close()
  rmSync(folder, { recursive: true })
})

test('server, key and bound decide which verifiers share an engine; other options do not', async () => {
  let asked = 0
  const waiting = new Map<number, () => void>()
  // No request is answered, so each follower sends exactly one.
  const server = createServer(() => {
    asked += 1
    waiting.get(asked)?.()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A server that listens on TCP has an AddressInfo.
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const open = (over: object): Verifier => openVerifier({ url, key: 'k', ...over })
  const askedTimes = (times: number): Promise<void> => new Promise((resolve) => waiting.set(times, resolve))
  const first = askedTimes(4)
  const alike = [
    open({}),
    open({ onStale: 'ask' }),
    open({ url: `${url}/` }),
    open({ maxStalenessMs: 5_000.5 }),
  ]
  const others = [open({ key: 'l' }), open({ maxStalenessMs: 4_000 }), open({ url: `${url}/path` })]
  try {
    await first
    const second = askedTimes(5)
    const fifth = open({ key: 'm' })
    await second
    await Promise.all([...alike, ...others, fifth].map((verifier) => verifier.close()))
    const third = askedTimes(6)
    const again = open({})
    await third
    await again.close()
    assert.equal(asked, 6, 'a verifier after the last one starts a new follower')
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

test('a late timer runs after the input that came meanwhile', async () => {
  const order: string[] = []
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = (await once(server, 'connection')) as [Socket]
  const received = new Promise<void>((resolve) => {
    client.on('data', () => {
      order.push('received')
      resolve()
    })
  })
  const due = new Promise<void>((resolve) => {
    TIMERS.after(1, () => {
      order.push('due')
      resolve()
    })
  })
  far.write('a proof')
  const untilMs = performance.now() + 50
  // Simulates a stopped process: both are due when it continues.
  while (performance.now() < untilMs);
  await Promise.all([received, due])
  assert.deepEqual(order, ['received', 'due'])
  client.destroy()
  server.close()
})

test('a cancelled timer does not run, even if it was already due', async () => {
  let ran = 0
  const cancel = TIMERS.after(0, () => {
    ran += 1
  })
  const cancelled = new Promise<void>((resolve) => {
    setTimeout(() => {
      cancel()
      resolve()
    }, 1)
  })
  const untilMs = performance.now() + 10
  // Both timers are due in one turn, however long apart they were set.
  while (performance.now() < untilMs);
  await cancelled
  await TIMERS.received()
  await TIMERS.received()
  assert.equal(ran, 0)
})
