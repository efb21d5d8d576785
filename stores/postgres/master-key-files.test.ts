import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Calls, CONTROL, textAt } from '../../test/kit/calls.ts'
import { type NodeServer, openNodeServer } from '../../test/kit/node-servers.ts'
import { type PostgresServer, startPostgres } from '../../test/kit/postgres-server.ts'
import { SVC } from '../../test/kit/seed.ts'
import { type Home, makeQuickHome } from '../../test/kit/server.ts'

/** A node on a machine of its own: it shares no file with the others. */
type Machine = { readonly home: Home; readonly path: string; node: NodeServer; calls: Calls }

let database: PostgresServer
let a: Machine
let b: Machine
before(async () => {
  database = await startPostgres()
  a = await started(makeQuickHome())
  const home = makeQuickHome()
  mkdirSync(join(home.folder, 'data'), { mode: 0o700 })
  cpSync(a.path, keyOf(home))
  b = await started(home)
})
after(async () => {
  for (const one of [a, b]) {
    await stopped(one)
    one.home.remove()
  }
  await database.stop()
})

function keyOf({ folder }: Home): string {
  return join(folder, 'data', 'master.key')
}

async function started(home: Home): Promise<Machine> {
  const node = await openNodeServer(database.address, home)
  return { home, path: keyOf(home), node, calls: new Calls(node.port) }
}

async function stopped({ calls, node }: Machine): Promise<void> {
  calls.close()
  await node.close()
}

/** @returns the status, with why it was refused. */
async function rotated({ calls }: Machine): Promise<[status: number, detail: string]> {
  const answer = await calls.send('POST /control/v1/master-key/rotate', [CONTROL])
  return [answer.status, answer.status === 200 ? '' : textAt(answer, 'detail')]
}

async function refused(machine: Machine, why: RegExp): Promise<void> {
  const [status, detail] = await rotated(machine)
  assert.equal(status, 409, detail)
  assert.match(detail, why)
}

/** What either issues, both accept. */
async function issueAndAccept(): Promise<string[]> {
  const tokens = [await a.calls.oauthToken(SVC), await b.calls.oauthToken(SVC)]
  await areAccepted(tokens)
  return tokens
}

async function areAccepted(tokens: readonly string[]): Promise<void> {
  for (const token of tokens)
    for (const { calls } of [a, b]) assert.ok(await calls.isActive(SVC, token), 'it is active on both')
}

const text = (path: string): string => readFileSync(path, 'utf8')

test('the master key of two nodes that run is changed once both have the next one, and each takes it into its file', async () => {
  const before = text(a.path)
  const tokens = await issueAndAccept()
  await refused(a, /copy that file to the other nodes \(0 of 1 have it\)/)
  const next = text(`${a.path}.next`)
  await a.node.round()
  await refused(b, /another node has the next key/)
  assert.equal(existsSync(`${b.path}.next`), false, 'there is one next key in all')
  cpSync(`${a.path}.next`, `${b.path}.next`)
  await refused(a, /0 of 1 have it/)
  await b.node.round()
  assert.deepEqual([text(a.path), text(b.path), text(`${a.path}.next`)], [before, before, next])

  assert.deepEqual(await rotated(a), [200, ''])
  assert.deepEqual([text(a.path), existsSync(`${a.path}.next`)], [next, false])
  await areAccepted(tokens)
  tokens.push(...(await issueAndAccept()))
  const made = await b.calls.control('POST /realms', { name: 'later' })
  assert.equal(made.status, 201, made.body.toString())
  for (const { calls } of [a, b])
    assert.equal((await calls.send('GET /control/v1/issuers?realm=later', [CONTROL])).status, 200)

  await refused(a, /not every node has taken the last change/)
  assert.equal(existsSync(`${a.path}.next`), false)
  await b.node.round()
  assert.deepEqual([text(b.path), existsSync(`${b.path}.next`)], [next, false])
  await stopped(b)
  b = await started(b.home)
  await areAccepted(tokens)
  await issueAndAccept()
})

test('a node that ends between the change and its next round starts with the new key, and one without it does not', async () => {
  await refused(a, /0 of 1 have it/)
  const [old, next] = [text(a.path), text(`${a.path}.next`)]
  cpSync(`${a.path}.next`, `${b.path}.next`)
  await stopped(b)
  b = await started(b.home)
  assert.deepEqual([text(b.path), text(`${b.path}.next`)], [old, next], 'a start keeps the next key')
  assert.deepEqual(await rotated(a), [200, ''])
  await stopped(b)
  const late = makeQuickHome()
  mkdirSync(join(late.folder, 'data'), { mode: 0o700 })
  cpSync(b.path, keyOf(late))
  try {
    await assert.rejects(openNodeServer(database.address, late), /master key/)
  } finally {
    late.remove()
  }
  b = await started(b.home)
  assert.deepEqual([text(b.path), existsSync(`${b.path}.next`)], [next, false])
  await issueAndAccept()
})

test('a next key that others can read is told as a trouble, and is not taken for there', async () => {
  await a.node.round()
  await refused(b, /0 of 1 have it/)
  cpSync(`${b.path}.next`, `${a.path}.next`)
  chmodSync(`${a.path}.next`, 0o644)
  await a.node.round()
  const answer = await a.calls.send('GET /readyz?detail=1', [CONTROL])
  assert.match(answer.body.toString(), /can be read by others/)
  await refused(b, /0 of 1 have it/)
  chmodSync(`${a.path}.next`, 0o600)
  await a.node.round()
  assert.deepEqual(await rotated(b), [200, ''])
  await a.node.round()
  assert.equal(text(a.path), text(b.path))
})

test('nodes that share one file find the next key there, also while one of them changes to it', async () => {
  const c: Machine = await started(a.home)
  await stopped(b)
  await a.node.round()
  await refused(a, /0 of 1 have it/)
  const next = text(`${a.path}.next`)
  await c.node.round()
  const [answer] = await Promise.all([rotated(a), c.node.round(), c.node.round()])
  assert.deepEqual(answer, [200, ''])
  await c.node.round()
  assert.deepEqual([text(a.path), existsSync(`${a.path}.next`)], [next, false])
  const token = await c.calls.oauthToken(SVC)
  assert.ok(await a.calls.isActive(SVC, token))
  assert.equal((await c.calls.control('POST /realms', { name: 'last' })).status, 201)
  await stopped(c)
  cpSync(a.path, b.path)
  b = await started(b.home)
  await issueAndAccept()
})
