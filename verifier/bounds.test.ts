import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { grantId, RecentMap, type TokenDigest } from '@rescind/core'
import type { Rule } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import fc from 'fast-check'
import { settled } from '../test/kit/hand-timers.ts'
import { digestAt, handleAt } from '../test/kit/samples.ts'
import { BOUND_MS, ending, mint, openVerifierWorld, say } from '../test/kit/world-verifier.ts'
import { REMEMBERED_MAX } from './engine.ts'
import { openVerifier } from './open.ts'
import { ASKING_MAX, SENT_MAX } from './questions.ts'
import { EVENT_MAX_CHARS, type SseMessage, SseParser } from './source/sse.ts'
import { WATCHED_MAX, Watches } from './watches.ts'

test('a stream is parsed into its events, however it is split into chunks', () => {
  const event = fc.record({
    event: fc.constantFrom('rows', 'hello', 'reset'),
    data: fc.stringMatching(/^[^\r\n]{1,40}$/),
  })
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 8 }),
      fc.array(fc.nat(60), { maxLength: 20 }),
      (events, cutoffs) => {
        const text = events
          .map(({ event: name, data }) => `: pulse\nid: 1\nevent: ${name}\ndata: ${data}\n\n`)
          .join('')
        const heard: SseMessage[] = []
        const parser = new SseParser((message) => heard.push({ ...message }))
        let at = 0
        for (const cutoff of cutoffs) {
          parser.push(text.slice(at, at + cutoff))
          at += cutoff
        }
        parser.push(text.slice(at))
        assert.deepEqual(
          heard,
          events.map((one) => ({ ...one })),
        )
      },
    ),
  )
})

test('[P14] an event that never ends is abandoned', () => {
  const parser = new SseParser(() => {})
  assert.equal(parser.push('x'.repeat(EVENT_MAX_CHARS)), true)
  assert.equal(parser.push('x'), false)
})

test('facts are remembered up to a bound: used ones stay, and dropped ones are asked for again', () => {
  const memory = new RecentMap<TokenDigest, number>(REMEMBERED_MAX)
  for (let nth = 0; nth < REMEMBERED_MAX * 2; nth += 1) {
    memory.set(digestAt(nth), nth)
    assert.equal(memory.get(digestAt(0)), 0)
    if (nth % 1_000 === 0) assert.ok(memory.size <= REMEMBERED_MAX)
  }
  assert.equal(memory.get(digestAt(1)), undefined)
  assert.equal(memory.get(digestAt(REMEMBERED_MAX * 2 - 1)), REMEMBERED_MAX * 2 - 1)
})

test('a changed configuration forgets the facts that depend on it, and no others', () => {
  const memory = new RecentMap<TokenDigest, number>(16)
  for (let nth = 0; nth < 4; nth += 1) memory.set(digestAt(nth), nth)
  memory.deleteWhere((value) => value % 2 === 0)
  assert.deepEqual(
    [0, 1, 2, 3].map((nth) => memory.get(digestAt(nth))),
    [undefined, 1, undefined, 3],
  )
})

test('watched tokens are bounded: a socket that could not be disconnected is refused', () => {
  const watches = new Watches(() => ({ kind: 'unknown', why: 'unseen' }))
  const raw = RawToken.parse('a token')
  assert.ok(raw !== undefined)
  for (let nth = 0; nth < WATCHED_MAX; nth += 1) watches.add(raw, UNKNOWN, () => {})
  assert.throws(() => watches.add(raw, UNKNOWN, () => {}), RangeError)
})

test('a watch is called once for each kind of end: a rule on the token, on its client, a hold, silence; never for expiry', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const told = new Map<string, string[]>()
  for (let nth = 0; nth < 6; nth += 1) {
    const token = mint(
      source,
      nth,
      nth === 5 ? { expiresAt: new Date(time.wallMs() + 1_000).toISOString() } : {},
    )
    await verifier.verify(token)
    told.set(token, [])
    verifier.onRevoked(token, (ended) => void told.get(token)?.push(say(ended)))
  }
  const child = mint(source, 6, { ancestors: [ancestorAt(0)] })
  await verifier.verify(child)
  const ofChild: string[] = []
  verifier.onRevoked(child, (ended) => void ofChild.push(say(ended)))
  source.append(ending(source, 0))
  assert.deepEqual(ofChild, ['inactive: revoked'], 'with the token that it came of')
  const cutoff = { kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'c1' } } as const
  source.append({ kind: 'revoke', keepUntilMs: 9e15, target: cutoff })
  source.append({
    kind: 'hold',
    id: 'h',
    target: ending(source, 2).kind === 'revoke' ? targetOf(source, 2) : cutoff,
  })
  source.append({ kind: 'release', id: 'h' })
  assert.deepEqual(
    [...told.values()],
    [['inactive: revoked'], ['inactive: revoked'], ['inactive: held'], [], ['inactive: revoked'], []],
  )
  await time.run(2_000)
  source.append({ kind: 'release', id: 'nothing' })
  assert.deepEqual(told.get('token 5'), [], 'it had its time')
  source.mode = 'silent'
  await time.run(BOUND_MS + 1_500)
  assert.deepEqual(told.get('token 3'), ['unknown: stale'])
  assert.equal(verifier.stats().watched, 0)
})

function ancestorAt(nth: number): Readonly<Record<string, unknown>> {
  return {
    handle: handleAt(nth),
    grant: `grt_${nth}`,
    session: `session ${nth}`,
    keyId: `key ${nth}`,
    source: 'oauth',
    position: [1, 1],
    issuedAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2027-03-01T12:00:00.000Z',
  }
}

function targetOf(
  source: Parameters<typeof ending>[0],
  nth: number,
): Extract<ReturnType<typeof ending>, { kind: 'revoke' }>['target'] {
  const rule = ending(source, nth)
  assert.ok(rule.kind === 'revoke')
  return rule.target
}

test('each watch of a token is called, except those that have stopped', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const token = mint(source, 1)
  await verifier.verify(token)
  const told: string[] = []
  const stops = ['first', 'second', 'third'].map((name) =>
    verifier.onRevoked(token, () => {
      told.push(name)
      stops[2]?.()
    }),
  )
  stops[1]?.()
  source.append(ending(source, 2))
  assert.deepEqual(told, [], 'another token')
  source.append(ending(source, 1))
  assert.deepEqual(told, ['first'], 'the third was stopped by the first')
  assert.equal(verifier.stats().watched, 0)
})

test('a watch of a token that was not seen yet is called by what the server says', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  mint(source, 0)
  const child = mint(source, 6, { ancestors: [ancestorAt(0)] })
  const told: string[] = []
  verifier.onRevoked(child, (ended) => void told.push(say(ended)))
  await settled()
  source.append(ending(source, 0))
  assert.deepEqual(told, ['inactive: revoked'], 'with the token that it came of')
})

const BY_ACTOR: readonly Extract<Rule, { kind: 'revoke' }>['target'][] = [
  { kind: 'grant', source: 'oauth', grant: grantId('grt_0') },
  { kind: 'session', source: 'oauth', session: 'session 0' },
  { kind: 'key', keyId: 'key 0' },
]
for (const target of BY_ACTOR) {
  test(`[H15] [F16] a watched token ends, and is held, with the ${target.kind} of an ancestor`, async () => {
    for (const rule of [
      { kind: 'revoke', keepUntilMs: 9e15, target },
      { kind: 'hold', id: 'h', target },
    ] as const) {
      const { time, source, verifier } = openVerifierWorld()
      await time.run(500)
      const child = mint(source, 6, { ancestors: [ancestorAt(1), ancestorAt(0)] })
      const other = mint(source, 7, { ancestors: [ancestorAt(1)] })
      const told: string[] = []
      for (const token of [child, other]) {
        await verifier.verify(token)
        verifier.onRevoked(token, (ended) => void told.push(`${token} ${say(ended)}`))
      }
      source.append(rule)
      const why = rule.kind === 'hold' ? 'held' : 'revoked'
      assert.deepEqual(told, [`${child} inactive: ${why}`])
      assert.equal(say(verifier.check(child)), `inactive: ${why}`)
      assert.equal(say(verifier.check(other)), 'active')
    }
  })
}

test('[H15] facts that lack the ids by which an ancestor could be ended are refused', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const { grant: _old, ...before } = ancestorAt(0)
  const token = mint(source, 6, { ancestors: [before] })
  assert.equal(say(await verifier.verify(token)), 'unknown: unseen')
  assert.equal(say(verifier.check(token)), 'unknown: unseen')
})

for (const onStale of ['refuse', 'ask'] as const) {
  test(`a watch added before anything is known here is called when the token ends (${onStale})`, async () => {
    const { time, source, verifier } = openVerifierWorld({ onStale })
    const told: string[] = []
    for (const nth of [1, 2, 4]) {
      verifier.onRevoked(mint(source, nth), (ended) => void told.push(`${nth} ${say(ended)}`))
    }
    await settled()
    source.append(ending(source, 1))
    await time.run(1_000)
    assert.deepEqual(told, ['1 inactive: revoked'], 'ended before, or while, its index was loaded')
    source.append(ending(source, 2))
    assert.deepEqual(told.slice(1), ['2 inactive: revoked'], 'by itself')
    source.append({
      kind: 'revoke',
      keepUntilMs: 9e15,
      target: { kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'c1' } },
    })
    assert.deepEqual(told.slice(2), ['4 inactive: revoked'], 'by its client, which only the server could say')
  })
}

test('a watch of a token without a verdict is called once there is one', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const told: string[] = []
  source.mode = 'down'
  for (const nth of [1, 4]) {
    verifier.onRevoked(mint(source, nth), (ended) => void told.push(`${nth} ${say(ended)}`))
  }
  await settled()
  assert.deepEqual(told, [])
  source.mode = 'up'
  await verifier.verify(mint(source, 4))
  const cutoff = { kind: 'cut', shape: 'client', principals: { source: 'oauth', client: 'c1' } } as const
  source.append({ kind: 'revoke', keepUntilMs: 9e15, target: cutoff })
  assert.deepEqual(told, ['4 inactive: revoked'], 'another question had been asked about it')
  await time.run(200)
  assert.deepEqual(told, ['4 inactive: revoked', '1 inactive: revoked'], 'it was asked about again')
})

const UNKNOWN = { digest: undefined, seen: undefined }

test('a watch that was stopped is not called', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const token = mint(source, 1)
  await verifier.verify(token)
  const stop = verifier.onRevoked(token, () => assert.fail('told'))
  stop()
  source.append(ending(source, 1))
  const again = verifier.onRevoked(token, () => assert.fail('told'))
  again()
  await settled()
})

test('one question about a token serves all concurrent callers, and questions are bounded', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const token = mint(source, 1)
  await Promise.all([verifier.verify(token), verifier.verify(token), verifier.verify(token)])
  assert.equal(source.asked, 1)
  source.mode = 'silent'
  const asked = Array.from({ length: ASKING_MAX + 1 }, (_, nth) => verifier.verify(`unseen ${nth}`))
  assert.equal(say((await asked[ASKING_MAX]) as never), 'unknown: unseen')
  assert.equal(source.asked, 1 + SENT_MAX, 'the others wait for their turn')
  for (let sent = 0; sent < ASKING_MAX; sent += SENT_MAX) {
    source.breakOff()
    await settled()
  }
  assert.equal(source.asked, 1 + ASKING_MAX)
  for (const one of await Promise.all(asked)) assert.equal(say(one), 'unknown: unseen')
})

test('a question that waits too long for its turn is abandoned, and frees its place', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  source.mode = 'silent'
  const asked = Array.from({ length: ASKING_MAX }, (_, nth) => verifier.verify(`unseen ${nth}`))
  await time.run(BOUND_MS + 1)
  const late = verifier.verify('unseen again')
  await settled()
  for (const one of await Promise.all(asked.slice(SENT_MAX))) assert.equal(say(one), 'unknown: unseen')
  assert.equal(source.asked, SENT_MAX)
  source.mode = 'up'
  source.breakOff()
  assert.equal(say(await late), 'inactive: unknown')
})

test('[H1] a single-use token is not an access token, and is asked about every time', async () => {
  const { time, source, verifier } = openVerifierWorld()
  await time.run(500)
  const token = mint(source, 1, { kind: 'refresh' })
  assert.equal(say(await verifier.verify(token)), 'inactive: not_access')
  assert.equal(say(verifier.check(token)), 'unknown: unseen')
  assert.equal(say(await verifier.verify(token)), 'inactive: not_access')
  assert.equal(source.asked, 2)
})

test('after a start without the server, the state from a file is known at once, as stale, with its age', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const stateFile = join(folder, 'state')
  const first = openVerifierWorld({ stateFile })
  await first.time.run(500)
  first.source.append(ending(first.source, 1), ending(first.source, 2))
  await first.time.run(2_000)
  const { asOf } = first.verifier.stats()
  await first.verifier.close()
  assert.equal(statSync(stateFile).mode & 0o777, 0o600)
  const { time, source } = first
  source.mode = 'down'
  time.pause(3_600_000)
  const again = openVerifierWorld({ stateFile, source, time, onStale: 'allow' })
  assert.deepEqual([again.verifier.stats().stateFile, again.verifier.stats().asOf], ['read', asOf])
  assert.equal(say(again.verifier.check('token 1')), 'inactive: revoked')
  assert.equal(say(again.verifier.check(mint(source, 3))), 'unknown: unseen')
  source.mode = 'up'
  source.append(ending(source, 4))
  await time.run(3_000)
  assert.equal(say(again.verifier.check('token 4')), 'inactive: revoked')
  assert.equal(again.verifier.stats().snapshots, 0, 'it went on from where the file ended')
  await again.verifier.close()

  const bytes = readFileSync(stateFile)
  for (const damaged of [
    bytes.subarray(0, -1),
    Buffer.alloc(0),
    Buffer.from('nonsense'),
    Buffer.concat([bytes, bytes]),
  ]) {
    writeFileSync(stateFile, damaged)
    const world = openVerifierWorld({ stateFile, source, time })
    assert.equal(world.verifier.stats().stateFile, 'unreadable')
    assert.equal(say(world.verifier.check('token 1')), 'unknown: starting')
  }
  rmSync(stateFile)
  assert.equal(openVerifierWorld({ stateFile, source, time }).verifier.stats().stateFile, 'absent')
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

test('[S02] invalid options are refused, including plain http to another machine', () => {
  const open = (over: object) => () => openVerifier({ url: 'https://rescind.example', key: 'k', ...over })
  for (const url of [
    'http://rescind.example',
    'http://10.0.0.1',
    'ftp://127.0.0.1',
    'nonsense',
    '',
    'http://127.0.0.1.example',
    'https://u:p@h',
    'https://h?x=1',
  ])
    assert.throws(open({ url }), TypeError, url)
  for (const over of [
    { key: '' },
    { key: undefined },
    { maxStalenessMs: 1 },
    { maxStalenessMs: Number.NaN },
    { maxStalenessMs: 3_600_001 },
    { onStale: 'guess' },
  ])
    assert.throws(open(over), TypeError, JSON.stringify(over))
})
