import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Publication, revokeGrant, revokePrincipals, revokeToken } from '@rescind/authority'
import { actOf, intentOf, issue, say, tryIssue } from '../../test/kit/acts.ts'
import { type SharedNode, sharedNodes, until } from '../../test/kit/shared-nodes.ts'

const { open: openNode } = sharedNodes()

test('what one node revokes, the other refuses within a moment, without asking the store', async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const record = await issue(a.realm, 'access')
  assert.equal(await say(b.realm, 'access'), 'active')
  const times: number[] = []
  await revokeToken(a.realm, record, actOf(a.realm))
  times.push(await until(() => b.realm.index.seq === a.realm.index.seq))
  assert.equal(await say(b.realm, 'access'), 'revoked')
  for (let round = 0; round < 20; round += 1) {
    await revokePrincipals(
      b.realm,
      { shape: 'subject', principals: { source: 'oauth', subject: `${round}` } },
      actOf(b.realm),
    )
    times.push(await until(() => a.realm.index.seq === b.realm.index.seq))
  }
  times.sort((left, right) => left - right)
  assert.ok((times[10] ?? 1e9) < 90, `median ${times[10]} ms: notifications come before the poll`)
})

test('[A01] nothing is minted by what another node has revoked meanwhile', async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const login = await issue(a.realm, 'login', { kind: 'refresh' })
  const intent = intentOf(b.realm, 'late', { grant: login.grant })
  // Both at once: whichever comes second sees the first, or is the first.
  for (let round = 0; round < 10; round += 1) {
    const own = await issue(a.realm, `login ${round}`, { kind: 'refresh' })
    const late = intentOf(b.realm, `late ${round}`, { grant: own.grant })
    const [, issued] = await Promise.all([revokeGrant(a.realm, own, actOf(a.realm)), tryIssue(b.realm, late)])
    await until(() => b.realm.index.seq === a.realm.index.seq)
    if (issued.kind === 'issued') assert.equal(await say(b.realm, `late ${round}`), 'revoked')
    else assert.equal(issued.kind, 'stale')
  }
  await revokeGrant(a.realm, login, actOf(a.realm))
  assert.equal((await tryIssue(b.realm, intent)).kind, 'stale')
})

test('rows of all nodes are published on each, once, in order and with equal chains', async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const revoke = (node: SharedNode, nth: number) =>
    revokePrincipals(
      node.realm,
      { shape: 'subject', principals: { source: 'oauth', subject: `s${nth}` } },
      actOf(node.realm),
    )
  const from = a.realm.index.seq
  const writing: Promise<unknown>[] = []
  for (let nth = 0; nth < 200; nth += 1) writing.push(revoke(nth % 2 === 0 ? a : b, nth))
  await Promise.all(writing)
  await until(() => a.realm.index.seq === from + 200 && b.realm.index.seq === from + 200)
  const [left, right] = [a, b].map(({ published }) =>
    published.filter(({ realm }) => realm === a.realm.ordinal),
  )
  for (const all of [left, right]) {
    let at = from
    for (const { prev, head, rows } of all ?? []) {
      assert.equal(prev, at)
      at = head.seq
      assert.equal(rows.length, head.seq - prev)
    }
    assert.equal(at, from + 200)
  }
  const head = await a.store.head(a.realm.ordinal)
  for (const all of [left, right]) assert.deepEqual(all?.at(-1)?.head, head)
  const seqs = (all: readonly Publication[] | undefined) =>
    all?.flatMap(({ rows }) => rows.map(({ seq, audit }) => `${seq} ${audit}`))
  assert.deepEqual(seqs(left), seqs(right))
})

test('a revocation says which cutoff it raised', async () => {
  const a = await openNode('a')
  const cutoff = { shape: 'client', principals: { source: 'oauth', client: 'c' } } as const
  const first = await revokePrincipals(a.realm, cutoff, actOf(a.realm))
  const second = await revokePrincipals(a.realm, cutoff, actOf(a.realm))
  assert.ok(first.kind === 'revoked' && second.kind === 'revoked')
  assert.equal(first.previousCutoff, undefined)
  assert.equal(second.previousCutoff?.plain, first.at)
  assert.equal(second.seq, first.seq + 1)
})

test('a node that another one left 1,500 rows behind catches up before it answers', async () => {
  const [a, b] = [await openNode('a'), await openNode('b')]
  const record = await issue(b.realm, 'access')
  const act = actOf(a.realm)
  await Promise.all(
    Array.from({ length: 1_500 }, (_, nth) =>
      revokePrincipals(
        a.realm,
        { shape: 'subject', principals: { source: 'oauth', subject: `s${nth}` } },
        act,
      ),
    ),
  )
  const revoked = await revokeToken(b.realm, record, actOf(b.realm))
  if (revoked.kind === 'stale')
    assert.equal((await revokeToken(b.realm, record, actOf(b.realm))).kind, 'revoked')
  assert.ok(b.realm.index.seq >= 1_500)
})
