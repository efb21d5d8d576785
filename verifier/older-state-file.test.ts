import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ORIGIN } from '@rescind/core'
import { HandTime } from '../test/kit/hand-timers.ts'
import { mint, openVerifierWorld, say, type VerifierWorld } from '../test/kit/world-verifier.ts'
import { MemorySource } from './testing/memory-source.ts'

/** Written by the last version whose rules all left after 400 days: `token 1` and all tokens of `s2` are over. */
const OLDER: Buffer = Buffer.from(
  'cmVzY2luZFYBQnnKlFE8QAAAAABceyJkaWdlc3RLZXkiOiJ0ZXN0LXNvdXJjZS1kaWdlc3Qta2V5LW9mLWZvcnR5LXRocmVlLWNoYXJzIiwiZm' +
    'xvb3IiOjAsImtleXMiOltdLCJpc3N1ZXJzIjpbXX0AAAE8cmVzY2luZFMBAGgxLnRlc3QtZXBvY2gtMS4zLmJLY2hqaXYwblhUQ2pza0cxb0Jl' +
    'VjJidEhPMHJVcmd3SVVITzgtQUNpdUEuZ3I2N054clg3SmJwLVNPaHpvYk1CNTRpWWprWDF5RmdiZWM5QkE2ZzJwQQAAAAAAAAAAAAAAAAAAAA' +
    'AAAAABAAAAAQAMdGVzdC1lcG9jaC0xP/AAAAAAAAABAQMAAAABuNIz2GWWK/GLKRJ9VxKxt0JwAAAAADAAQnnKlFC/QAAAAAAAAAAAAAAAAAAA' +
    'AAAAAAAAAAAAAABCektT3ztAAAAAAAAAAAABQnpLZ+YQAAAAAAACa+h6Os7wgtnULC7pHOv3MKLKd4nKp9N3aFzf+ET7EnqIaouS+9jawwds25' +
    'oUiUdhmC7TUt5pbc3TL82D/3kb1vP3QXz403hMH6Z9FnVajH8Lgm3+q7ArSOkirpzQ/77o',
  'base64',
)
const DAY_MS = 86_400_000
/** A sweep of all slices of the index. */
const SWEPT_MS = 64 * 30_000

async function withOlderFile(
  prepare: (source: MemorySource, time: HandTime) => void,
  run: (world: VerifierWorld) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const stateFile = join(folder, 'state')
  writeFileSync(stateFile, OLDER)
  const time = new HandTime()
  const source = new MemorySource(() => time.wallMs())
  prepare(source, time)
  const world = openVerifierWorld({ stateFile, source, time, onStale: 'allow' })
  try {
    assert.equal(world.verifier.stats().stateFile, 'older')
    await run(world)
  } finally {
    await world.verifier.close()
    rmSync(folder, { recursive: true })
  }
}

const down = (source: MemorySource): void => {
  source.mode = 'down'
}

test('[H12] from a state file of an older version only revocations count, and nothing is fresh or stale by it', async () => {
  await withOlderFile(down, async ({ verifier }) => {
    assert.equal(say(verifier.check('token 1')), 'inactive: revoked')
    assert.equal(say(verifier.check('token 3')), 'unknown: unseen')
    const { asOf, lag } = verifier.stats()
    assert.deepEqual([asOf, lag], [undefined, 'starting'])
  })
})

test('[H12] a verifier does not continue from a state file of an older version, but takes a snapshot', async () => {
  const prepare = (source: MemorySource): void => {
    for (let nth = 1; nth <= 3; nth += 1)
      source.append({
        kind: 'revoke',
        keepUntilMs: 9e15,
        target: { kind: 'cut', shape: 'subject', principals: { source: 'oauth', subject: 's3' } },
      })
  }
  await withOlderFile(prepare, async ({ time, source, verifier }) => {
    const token = mint(source, 3, { position: [1, 1] })
    await time.run(3_000)
    assert.equal(verifier.stats().snapshots, 1)
    assert.equal(say(await verifier.verify(token)), 'inactive: revoked')
    assert.equal(say(await verifier.verify(mint(source, 4))), 'active')
  })
})

test('[H12] a log that ends before such a file’s position was rolled back', async () => {
  await withOlderFile(
    () => undefined,
    async ({ time, verifier }) => {
      await time.run(3_000)
      assert.equal(verifier.state, 'forked')
      assert.equal(say(verifier.check('token 1')), 'inactive: revoked')
    },
  )
})

test('[H12] across a new epoch the revocations in such a file stay for good, even after 402 days', async () => {
  const prepare = (source: MemorySource, time: HandTime): void => {
    source.append({ kind: 'epoch', ordinal: 2, epochId: 'test-epoch-2', lostBelow: ORIGIN })
    time.pause(402 * DAY_MS)
    source.index.raiseFloor(time.wallMs())
  }
  await withOlderFile(prepare, async ({ time, source, verifier }) => {
    await time.run(SWEPT_MS + 3_000)
    assert.equal(verifier.stats().snapshots, 1)
    assert.equal(say(verifier.check('token 1')), 'inactive: revoked')
    const over = { position: [1, 1], subject: 's2', expiresAt: '2028-03-01T12:00:00.000Z' }
    assert.equal(say(await verifier.verify(mint(source, 7, over))), 'inactive: revoked')
  })
})
