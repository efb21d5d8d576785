import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  changePrefixes,
  putRecord,
  REALM_SETTINGS,
  REALM_SETTINGS_ID,
  type Realm,
  type RealmSettings,
  type Realms,
  type RealmsAct,
  revokePrincipals,
} from '@rescind/authority'
import { isRevoked, KEEP_MARGIN_MS, ORIGIN, StoreRefused } from '@rescind/core'
import { decodeRule, rowKindOf } from '@rescind/core/log'
import { AUDIT, actOf, callerAt, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { caughtUp, type SharedNode, sharedNodes, until } from '../../test/kit/shared-nodes.ts'

const { open } = sharedNodes()

function actAs({ system }: Realms): RealmsAct {
  return { caller: callerAt(system, system.position()), audit: AUDIT }
}

async function served({ realms }: SharedNode, name: string): Promise<Realm> {
  const realm = await realms.served(name)
  assert.ok(realm !== undefined, `${name} is served`)
  return realm
}

test('a realm that another node made is served, also while both open it at once', async () => {
  const [a, b] = [await open('a'), await open('b')]
  assert.equal(await b.realms.served('acme'), undefined)
  await a.realms.make('acme', AUDIT)
  await caughtUp(b, a)
  const [onA, onB] = await Promise.all([served(a, 'acme'), served(b, 'acme')])
  assert.equal(onA.ordinal, onB.ordinal)
  const record = await issue(onA, 'access')
  assert.equal(await say(onB, 'access'), 'active')
  assert.equal(record.position, onA.position())
  assert.equal((await a.store.head(onA.ordinal)).seq, 1, 'its first epoch begins once')
  await assert.rejects(b.realms.make('acme', AUDIT), StoreRefused)
})

test('a realm that another node closes stops at once, its streams end, and nothing in it revives', async () => {
  const [a, b] = [await open('a'), await open('b')]
  await a.realms.create('acme', AUDIT)
  await caughtUp(b, a)
  const onB = await served(b, 'acme')
  await issue(onB, 'access')
  const closed: string[] = []
  b.realms.onClosed(({ name }) => closed.push(name))
  assert.equal(await a.realms.setState('acme', 'disabled', actAs(a.realms)), 'done')
  await caughtUp(b, a)
  // What is folded is not yet read, and whoever asks waits for that.
  assert.equal(b.realms.ready('acme'), undefined)
  assert.equal(await b.realms.served('acme'), undefined)
  assert.ok(closed.includes('acme'))
  assert.equal((await tryIssue(onB, intentOf(onB, 'late'))).kind, 'held')
  assert.equal(await b.realms.setState('acme', 'enabled', actAs(b.realms)), 'done')
  await caughtUp(a, b)
  await a.realms.settled('acme')
  assert.equal(await say(await served(a, 'acme'), 'access'), 'revoked')
  assert.equal((await tryIssue(onB, intentOf(onB, 'new'))).kind, 'issued')
})

test('a realm is cut off as it is deleted, though the right to delete it ends meanwhile', async () => {
  const a = await open('a')
  const acme = await a.realms.create('acme', AUDIT)
  await issue(acme, 'access')
  const { system, ledger } = a.realms
  const act = actAs(a.realms)
  let revoked: Promise<unknown> | undefined
  ledger.onRow((ordinal, row) => {
    if (ordinal !== system.ordinal || rowKindOf(row) !== 'change') return
    const operator = { shape: 'client', principals: { source: 'control', client: 'operator' } } as const
    revoked ??= revokePrincipals(system, operator, actOf(system))
  })
  assert.equal(await a.realms.setState('acme', 'deleted', act), 'done')
  await revoked
  assert.ok(isRevoked(act.caller.dependency.facts, system.index), 'it did end')
  assert.equal(await say(acme, 'access'), 'revoked')
})

test('deleting a deleted realm once more finds none, and cuts off what a broken call may have left', async () => {
  const a = await open('a')
  const acme = await a.realms.create('acme', AUDIT)
  assert.equal(await a.realms.setState('acme', 'deleted', actAs(a.realms)), 'done')
  const { seq } = acme.index
  assert.equal(await a.realms.setState('acme', 'deleted', actAs(a.realms)), undefined)
  assert.equal(acme.index.seq, seq + 1)
  assert.equal(await a.realms.setState('acme', 'enabled', actAs(a.realms)), undefined)
  assert.equal(acme.index.seq, seq + 1)
})

test('nothing that a node mints while another one closes a realm lives on', async () => {
  const [a, b] = [await open('a'), await open('b')]
  await a.realms.create('acme', AUDIT)
  await caughtUp(b, a)
  const onB = await served(b, 'acme')
  for (let round = 0; round < 8; round += 1) {
    const minting = Array.from({ length: 8 }, (_, nth) => tryIssue(onB, intentOf(onB, `${round}.${nth}`)))
    const closing = a.realms.setState('acme', 'disabled', actAs(a.realms))
    const minted = await Promise.all(minting)
    assert.equal(await closing, 'done')
    assert.equal(await a.realms.setState('acme', 'enabled', actAs(a.realms)), 'done')
    await caughtUp(b, a)
    await b.realms.settled('acme')
    for (const [nth, { kind }] of minted.entries())
      if (kind === 'issued') assert.equal(await say(onB, `${round}.${nth}`), 'revoked')
  }
})

test('token prefixes that another node changed are used from the change on', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const changed = await changePrefixes(a.realm, { access: 'acme_' }, { audit: AUDIT })
  assert.equal(changed.kind, 'changed')
  await caughtUp(b, a)
  await b.realms.served(undefined)
  assert.deepEqual(b.realm.grammar.known.toSorted(), a.realm.grammar.known.toSorted())
})

const DAY_S = 86_400

async function changeLifetime({ realm }: SharedNode, seconds: number): Promise<void> {
  const { version } = await realm.directory.state(REALM_SETTINGS, REALM_SETTINGS_ID)
  const value: RealmSettings = { maxLifetimeSeconds: seconds, highestLifetimeSeconds: 3_000 * DAY_S }
  realm.lifetimes.raise(value.highestLifetimeSeconds * 1_000)
  const put = { collection: REALM_SETTINGS, id: REALM_SETTINGS_ID, value, fromVersion: version }
  const operations = putRecord(realm, put, AUDIT)
  const outcome = await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  assert.equal(outcome.kind, 'applied')
}

test('a lifetime that another node has raised lets no rule end too early', async () => {
  const [a, b] = [await open('a'), await open('b')]
  const cutoff = { shape: 'subject', principals: { source: 'oauth', subject: 's' } } as const
  await changeLifetime(a, 2_000 * DAY_S)
  // Made by what this node knows, before the other one's row can have come.
  const first = await revokePrincipals(b.realm, cutoff, actOf(b.realm))
  // And again at once, as requests are. Only a poll at the right moment spares it the retry.
  const revoked = first.kind === 'stale' ? await revokePrincipals(b.realm, cutoff, actOf(b.realm)) : first
  assert.ok(revoked.kind === 'revoked')
  const [row] = await b.store.rowsAfter(b.realm.ordinal, revoked.seq - 1, 1)
  const rule = row === undefined ? undefined : decodeRule(row)
  assert.ok(rule?.kind === 'revoke')
  assert.ok(rule.keepUntilMs >= b.clock.wallMs() + 3_000 * DAY_S * 1_000 + KEEP_MARGIN_MS)
})

test('a shorter lifetime of another node bounds what is minted from then on', async () => {
  const [a, b] = [await open('a'), await open('b')]
  await changeLifetime(a, DAY_S)
  await caughtUp(b, a)
  await b.realms.served(undefined)
  await until(() => b.realm.lifetimes.maxMs === DAY_S * 1_000)
})

test('an epoch that another node has begun is not begun again', async () => {
  const { realm } = await open('a')
  const rule = { kind: 'epoch', ordinal: 1, epochId: 'second', lostBelow: ORIGIN } as const
  const operations = [{ kind: 'append', row: realm.row(rule, AUDIT) }] as const
  const write = { realm: realm.ordinal, dependsOn: [], expects: [], operations }
  assert.equal((await realm.commit(write)).kind, 'stale')
  assert.equal(realm.index.seq, 1)
})
