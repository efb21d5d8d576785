import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../../test/kit/realm.ts'
import { HOLDS } from './holds.ts'
import { OpenCounts, openIn } from './open-counts.ts'

test('counts what is open, and reads the store again only after ten seconds', async () => {
  const { realm, realms, clock } = await openWorld()
  const counts = new OpenCounts(realms, () => clock.monotonicMs())
  assert.deepEqual(await counts.read(), { holds: 0, approvals: 0, schedules: 0 })
  const target = { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 'ann' } } as const
  for (let nth = 0; nth < 3; nth += 1) {
    const id = HOLDS.mintId(realm)
    const audit = { by: 'test', from: 'local', how: 'test' }
    const about = { targets: [target], reason: 'r', by: 'test', atDeadline: 'release' } as const
    const value = { ...about, placedAtMs: realm.nowMs(), dueAtMs: realm.nowMs() + 60_000 }
    const operations = HOLDS.put(realm, { id, value, slot: nth, audit })
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
  assert.equal((await openIn(realm)).holds, 3)
  assert.equal((await counts.read()).holds, 0)
  clock.advance(10_000)
  // Whoever asks while it is read gets the count from before; how many turns that takes is the store's affair.
  while ((await counts.read()).holds === 0) await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await counts.read()).holds, 3)
})
