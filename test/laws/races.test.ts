import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Group, type GroupOutcome, type Issued, type Realm, revokePrincipals } from '@rescind/authority'
import type { Position } from '@rescind/core'
import { MemoryStore } from '@rescind/stores'
import { actOf, intentOf, rawOf, tryIssue } from '../kit/acts.ts'
import { openWorld, START_MS } from '../kit/realm.ts'

const RACES = 10_000
/** Clients that race in parallel, so that groups hold writes of several. */
const AT_ONCE = 50

/** A number from 0 to `below`, the same in every run, so that a failing race is reproducible. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve()
}

/** A store whose flushes take some turns of the event loop, so that writes share a group in any order, or miss it. */
class SlowStore extends MemoryStore {
  readonly #draw = generator(7)

  override async commit(group: Group): Promise<GroupOutcome> {
    await turns(this.#draw(12))
    const outcome = await super.commit(group)
    await turns(this.#draw(6))
    return outcome
  }
}

type Told = { stale: number; dead: number; after: number }

test(`[E13] [H02] in ${RACES} races with "revoke all" each token is dead, or issued at or after the cutoff`, async (context) => {
  const { realm } = await openWorld(new SlowStore(START_MS))
  const draw = generator(42)
  const told: Told = { stale: 0, dead: 0, after: 0 }
  for (let round = 0; round < RACES / AT_ONCE; round += 1) {
    const racing = Array.from({ length: AT_ONCE }, (_, at) => race(realm, `${round} ${at}`, { draw, told }))
    await Promise.all(racing)
  }
  context.diagnostic(`${told.stale} stale, ${told.dead} minted and dead, ${told.after} at or after the cut`)
  assert.equal(told.stale + told.dead + told.after, RACES)
  for (const [kind, count] of Object.entries(told))
    assert.ok(count > RACES / 100, `${kind} came about ${count} times`)
})

type Draws = { readonly draw: (below: number) => number; readonly told: Told }

async function race(realm: Realm, client: string, { draw, told }: Draws): Promise<void> {
  const [judging, committing, cutting] = [draw(40), draw(12), draw(40)]
  const [issued, cutoffAt] = await Promise.all([
    mint(realm, client, { judging, committing }),
    cutoff(realm, client, cutting),
  ])
  const { verdict } = await realm.find(rawOf(client))
  if (issued.kind === 'stale') {
    assert.deepEqual(verdict, { kind: 'inactive', why: 'unknown' })
    told.stale += 1
    return
  }
  assert.ok(issued.kind === 'issued')
  const [record] = issued.records
  assert.ok(record !== undefined)
  if (record.position >= cutoffAt) {
    assert.equal(verdict.kind, 'active', 'a cut never hits what was minted after it')
    told.after += 1
  } else {
    assert.deepEqual(verdict, { kind: 'inactive', why: 'revoked' })
    told.dead += 1
  }
}

type Turns = { readonly judging: number; readonly committing: number }

/** Judges, waits, then commits, like a handler that reads a request's body. */
async function mint(realm: Realm, client: string, { judging, committing }: Turns): Promise<Issued> {
  await turns(judging)
  const judgedAt = realm.position()
  await turns(committing)
  return tryIssue(realm, intentOf(realm, client, { client }), { judgedAt })
}

async function cutoff(realm: Realm, client: string, after: number): Promise<Position> {
  await turns(after)
  const principals = { source: 'oauth', client }
  const revoked = await revokePrincipals(realm, { shape: 'client', principals }, actOf(realm))
  assert.ok(revoked.kind === 'revoked')
  return revoked.at
}
