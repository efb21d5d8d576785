import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type MasterKey, masterKeyId, type Store } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { MasterKeyFile } from '../../server/keys/master-key.ts'
import { AUDIT, callerAt, issue, say } from '../../test/kit/acts.ts'
import { MASTER } from '../../test/kit/realm.ts'
import { caughtUp, joinedTo, type SharedNode, sharedNodes, until } from '../../test/kit/shared-nodes.ts'

const NEXT: MasterKey = { bytes: Buffer.alloc(32, 8) }

const { open, openOn, openStore } = sharedNodes()
const folder = mkdtempSync(join(tmpdir(), 'rescind-master-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A row of a process that sends no heartbeats. */
async function joined({ nodes }: Store): Promise<void> {
  await nodes?.register(1_000, {
    marked: () => {},
    forked: () => {},
    takenOver: () => {},
    reconnected: () => {},
  })
}

function actAt({ realms }: SharedNode) {
  return { caller: callerAt(realms.system, realms.system.position()), audit: AUDIT }
}

function keyFile(name: string, { bytes }: MasterKey): string {
  const path = join(folder, name)
  writeFileSync(path, `${Buffer.from(bytes).toString('base64url')}\n`, { mode: 0o600 })
  return path
}

test('a key has one id, which is not the key', () => {
  assert.equal(masterKeyId(MASTER), masterKeyId({ bytes: Buffer.from(MASTER.bytes) }))
  assert.notEqual(masterKeyId(MASTER), masterKeyId(NEXT))
  assert.match(masterKeyId(MASTER), /^[0-9a-f]{32}$/)
  assert.ok(!Buffer.from(MASTER.bytes).toString('hex').includes(masterKeyId(MASTER)))
})

test('the master key is not changed while another node lacks the new one, unless that node can say nothing any more', async () => {
  const ofA = await openStore()
  const nodes = await joinedTo(ofA)
  const a = await openOn(ofA, 'a', { nodes })
  const b = await open('b')
  await joined(b.store)
  const path = keyFile('kept.key', MASTER)
  const before = readFileSync(path, 'utf8')
  const { realms, store } = a
  const file = new MasterKeyFile(path, { realms, store, random: realms.system.random })
  assert.deepEqual(await file.rotate(actAt(a)), { have: 0, others: 1 })
  const next = readFileSync(`${path}.next`, 'utf8')
  assert.deepEqual(await file.rotate(actAt(a)), { have: 0, others: 1 })
  assert.equal(readFileSync(path, 'utf8'), before)
  assert.equal(readFileSync(`${path}.next`, 'utf8'), next, 'a refusal keeps the key that is being copied')
  await b.store.nodes?.announceKeys([masterKeyId(MASTER), masterKeyId(NEXT)])
  assert.deepEqual(await file.rotate(actAt(a)), { have: 0, others: 1 }, 'it has another key')
  const id = masterKeyId({ bytes: Buffer.from(next.trim(), 'base64url') })
  assert.deepEqual((await ofA.nodes?.announcedKeys())?.get(nodes.self), [masterKeyId(MASTER), id])
  await until(() => nodes.known === 2)
  const from = performance.now()
  let rotated: unknown
  while (rotated !== 'done') rotated = await file.rotate(actAt(a))
  assert.ok(performance.now() - from < 10_000)
  assert.equal(readFileSync(path, 'utf8'), next)
  await nodes.leave()
})

test('a node that expects the new key goes on through the change, and makes realms with it', async () => {
  const [a, b] = [await open('a'), await open('b')]
  await issue(a.realm, 'before')
  b.realms.masters.expect(NEXT)
  await b.realms.masters.settle()
  assert.equal(await a.realms.rewrap(NEXT, actAt(a)), 'done')
  await caughtUp(b, a)
  assert.equal(await b.realms.masters.isReplaced(), false)
  assert.equal(await say(b.realm, 'before'), 'active')
  await b.realms.create('later', AUDIT)
  await caughtUp(a, b)
  assert.equal((await a.realms.get('later'))?.name, 'later')
  assert.deepEqual(b.realms.disorder.all, [])
})

test('of two nodes that change to the same key at once, one is told that it came second, and goes on', async () => {
  const [a, b] = [await open('a'), await open('b')]
  for (const { realms } of [a, b]) realms.masters.expect(NEXT)
  const outcomes = await Promise.all([a, b].map((one) => one.realms.rewrap(NEXT, actAt(one))))
  assert.ok(outcomes.includes('done'))
  for (const { realms } of [a, b]) {
    await realms.masters.settle()
    assert.equal(masterKeyId(realms.masters.current), masterKeyId(NEXT))
  }
  for (const one of [a, b]) await issue(one.realm, `after ${one === a}`)
})

test('a change to the key that another node has just changed to changes nothing', async () => {
  const [a, b] = [await open('a'), await open('b')]
  b.realms.masters.expect(NEXT)
  const settled = b.realms.masters.settle
  // The other node's change comes right after this one has looked.
  b.realms.masters.settle = async () => {
    await settled.call(b.realms.masters)
    await a.realms.rewrap(NEXT, actAt(a))
  }
  assert.ok(['done', 'stale'].includes(await b.realms.rewrap(NEXT, actAt(b))))
  b.realms.masters.settle = settled
  await b.realms.masters.settle()
  await b.realms.create('later', AUDIT)
  await caughtUp(a, b)
  assert.equal((await a.realms.get('later'))?.name, 'later')
})

test('a node that lacks the new key ends, and does not start again', async () => {
  const a = await open('a')
  let why: string | undefined
  const b = await openOn(await openStore(), 'b', {
    mustEnd: (told) => {
      why = told
    },
  })
  assert.equal(await a.realms.rewrap(NEXT, actAt(a)), 'done')
  await until(() => why !== undefined)
  assert.match(why ?? '', /changed the master key/)
  await assert.rejects(issue(b.realm, 'after'))
  await assert.rejects(open('c'), StoreRefused)
})
