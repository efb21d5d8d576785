import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handleAt } from '../test/kit/samples.ts'
import { BOUND_MS, mint, openVerifierWorld, say, type VerifierWorld } from '../test/kit/world-verifier.ts'
import { Acceptances, REPEATED_MS, WAITING_MAX } from './acceptances.ts'
import { SourceFailed } from './source/trouble.ts'
import type { MemorySource } from './testing/memory-source.ts'

const ACTIVE = {
  kind: 'active',
  tokenKind: 'access',
  source: 'oauth',
  scopes: [],
  expiresAtMs: 0,
  asOf: 0,
} as const

function seen(nth: number): Parameters<Acceptances['noted']>[0] {
  const facts = { handle: `tok_${nth}` as ReturnType<typeof handleAt>, source: 'oauth', ancestors: [] }
  return { facts: { ...facts, position: 0 as never, expiresAtMs: 1 }, acceptedMinute: 0 }
}

function foreign(jti: string): Parameters<Acceptances['noted']>[0] {
  const facts = { source: 'iss:https://idp.example', ancestors: [], foreign: { jti, skewMs: 0 } }
  return { facts: { ...facts, position: 0 as never, expiresAtMs: 500_000 }, acceptedMinute: 0 }
}

const at = (ms: number): { wallMs: number; monotonicMs: number } => ({ wallMs: ms, monotonicMs: ms })

function listening(max = 1_000): Acceptances {
  const acceptances = new Acceptances()
  acceptances.greeted({ acceptedMax: max }, 0)
  return acceptances
}

test('a token is reported at most once a minute, with the ages of its first and last acceptance', () => {
  const acceptances = listening()
  const token = seen(1)
  acceptances.noted(token, ACTIVE, at(60_000))
  acceptances.noted(token, ACTIVE, at(61_000))
  acceptances.noted(token, { kind: 'inactive', why: 'revoked', final: true } as never, at(200_000))
  acceptances.noted(token, ACTIVE, at(130_000))
  assert.deepEqual(acceptances.next(at(130_500)), { accepted: [{ handle: 'tok_1', first: 71, last: 0 }] })
  acceptances.delivered(131_000)
  acceptances.noted(token, ACTIVE, at(179_999))
  assert.deepEqual(acceptances.next(at(180_000)), { accepted: [] })
  acceptances.delivered(180_000)
  acceptances.noted(token, ACTIVE, at(180_000))
  assert.equal(acceptances.next(at(180_000)).accepted?.length, 1)
})

test('a foreign token is reported by issuer and jti, and how long it lives on', () => {
  const acceptances = listening()
  acceptances.noted(foreign('one'), ACTIVE, at(60_000))
  acceptances.noted(foreign('\ud800'), ACTIVE, at(60_000))
  assert.deepEqual(acceptances.next(at(60_000)), {
    accepted: [{ issuer: 'https://idp.example', jti: 'one', first: 0, last: 0, expires: 440 }],
    dropped: { count: 1, since: 0 },
  })
})

test('a report is no longer than the server takes, whatever the alphabet of its ids', () => {
  const acceptances = listening()
  for (let nth = 0; nth < 100; nth += 1)
    acceptances.noted(foreign(`${nth}${'\u672c'.repeat(1_000)}`), ACTIVE, at(60_000))
  let told = 0
  for (let reports = 0; told < 100 && reports < 100; reports += 1) {
    const report = acceptances.next(at(60_000))
    assert.ok(Buffer.byteLength(JSON.stringify(report)) < 60_000)
    told += report.accepted?.length ?? 0
    acceptances.delivered(60_000)
  }
  assert.equal(told, 100)
})

test('the bound on waiting tokens is exact, and what is beyond it is reported as dropped until that is delivered', () => {
  const acceptances = listening()
  for (let nth = 0; nth < WAITING_MAX; nth += 1) acceptances.noted(seen(nth), ACTIVE, at(60_000))
  assert.equal(acceptances.dropped, 0)
  acceptances.noted(seen(-1), ACTIVE, at(61_000))
  acceptances.noted(seen(-2), ACTIVE, at(62_000))
  assert.equal(acceptances.dropped, 2)
  assert.deepEqual(acceptances.next(at(71_000)).dropped, { count: 2, since: 10 })
  acceptances.failed(new SourceFailed('lost'))
  let reported = 0
  for (let report = acceptances.next(at(81_000)); ; report = acceptances.next(at(81_000))) {
    assert.deepEqual(report.dropped, reported === 0 ? { count: 2, since: 20 } : undefined)
    assert.ok(JSON.stringify(report).length < 65_536)
    assert.ok((report.accepted?.length ?? 0) <= 1_000)
    if (report.accepted?.length === 0) break
    reported += report.accepted?.length ?? 0
    acceptances.delivered(81_000)
  }
  assert.equal(reported, WAITING_MAX)
})

test('names of any length fit into a report', () => {
  const acceptances = listening()
  for (let nth = 0; nth < 200; nth += 1)
    acceptances.noted(foreign(`${nth}${'\u0001'.repeat(1_000)}`), ACTIVE, at(60_000))
  let reported = 0
  for (let turn = 0; turn < 100 && reported < 200; turn += 1) {
    const report = acceptances.next(at(60_000))
    assert.ok(Buffer.byteLength(JSON.stringify(report)) < 60_000)
    reported += report.accepted?.length ?? 0
    acceptances.delivered(60_000)
  }
  assert.equal(reported, 200)
})

test('a lost report is sent again, together with what came meanwhile; one that the server calls invalid is dropped', () => {
  const acceptances = listening()
  const token = seen(1)
  acceptances.noted(token, ACTIVE, at(60_000))
  acceptances.next(at(60_000))
  acceptances.noted(token, ACTIVE, at(120_000))
  acceptances.failed(new SourceFailed('lost'))
  assert.deepEqual(acceptances.next(at(120_000)), { accepted: [{ handle: 'tok_1', first: 60, last: 0 }] })
  acceptances.failed(new SourceFailed('invalid', 422))
  assert.deepEqual(acceptances.next(at(121_000)), { accepted: [], dropped: { count: 1, since: 61 } })
})

test('a server that is back soon hears once more what it may have lost, and a later one does not', () => {
  const acceptances = listening()
  acceptances.noted(seen(1), ACTIVE, at(60_000))
  acceptances.next(at(60_000))
  acceptances.delivered(60_000)
  acceptances.greeted({ acceptedMax: 1_000 }, 60_000 + REPEATED_MS)
  assert.equal(acceptances.next(at(200_000)).accepted?.length, 1)
  acceptances.delivered(200_000)
  acceptances.greeted({ acceptedMax: 1_000 }, 200_001 + REPEATED_MS)
  assert.equal(acceptances.next(at(400_000)).accepted?.length, 0)
})

test('a goodbye says how many are left behind', () => {
  const acceptances = listening(2)
  for (let nth = 0; nth < 5; nth += 1) acceptances.noted(seen(nth), ACTIVE, at(60_000))
  const report = acceptances.last(at(65_000))
  assert.equal(report.accepted?.length, 2)
  assert.deepEqual(report.dropped, { count: 3, since: 5 })
})

function heard({ acked }: MemorySource): readonly string[] {
  return acked.flatMap(({ accepted = [] }) => accepted.flatMap(({ handle }) => handle ?? []))
}

async function used(world: VerifierWorld, nth: number): Promise<void> {
  assert.equal(say(await world.verifier.verify(mint(world.source, nth))), 'active')
}

test('acknowledgements carry what was accepted, and carry it again when their answer is lost', async () => {
  const world = openVerifierWorld()
  await world.time.run(10)
  await used(world, 1)
  world.source.lostAnswers = 1
  await world.time.run(2_500)
  assert.deepEqual(heard(world.source), [handleAt(1), handleAt(1)])
  world.source.acked.length = 0
  await world.time.run(5_000)
  assert.ok(world.source.acked.length > 0)
  assert.deepEqual(heard(world.source), [])
})

test('what is accepted while the server is away is reported when it is back, also past the bound', async () => {
  const world = openVerifierWorld({ onStale: 'allow' })
  await world.time.run(10)
  const token = mint(world.source, 1)
  await world.verifier.verify(token)
  await world.time.run(2_000)
  world.source.acked.length = 0
  world.source.mode = 'down'
  world.source.breakOff(new SourceFailed('the server is down'))
  await world.time.run(120_000)
  const result = world.verifier.check(token)
  assert.ok(result.kind === 'active' && result.stale === true)
  await world.time.run(BOUND_MS)
  world.source.mode = 'up'
  await world.time.run(5_000)
  const reports = world.source.acked.flatMap(({ accepted = [] }) => accepted)
  assert.equal(reports.at(-1)?.handle, handleAt(1))
  assert.ok((reports[0]?.last ?? 0) >= BOUND_MS / 1_000)
})

test('an older server gets handles only, as it always did', async () => {
  const world = openVerifierWorld()
  world.source.acceptedMax = undefined
  await world.time.run(10)
  await used(world, 1)
  await world.time.run(2_500)
  assert.deepEqual(
    world.source.acked.map(({ accepted }) => accepted).filter((one) => one !== undefined),
    [],
  )
  assert.deepEqual(
    world.source.acked.flatMap(({ used: handles = [] }) => handles),
    [handleAt(1)],
  )
})

test('a verifier that stops reports what it accepted last', async () => {
  const world = openVerifierWorld()
  await world.time.run(1_100)
  await used(world, 1)
  const closing = world.verifier.close()
  await world.time.run(10)
  await closing
  const last = world.source.acked.at(-1)
  assert.deepEqual([last?.leaving, last?.accepted?.map(({ handle }) => handle)], [true, [handleAt(1)]])
})
