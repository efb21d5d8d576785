import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Answer } from '@rescind/dialects'
import { as, type IdentityWorld, neverIssued, openIdentity } from './test-world.ts'

/** Whose token is named; `dead` ones were revoked before. */
const TARGETS = [
  'own',
  'own other',
  'own dead',
  'default',
  'default dead',
  'no role',
  'user-manage',
  'user-manage dead',
  'user-admin',
  'user-admin dead',
  'foreign',
  'foreign dead',
  'foreign user-admin',
  'operator',
  'operator dead',
  'unknown',
  'garbage',
] as const
type TargetName = (typeof TARGETS)[number]

/** Users behind the targets, chosen so that none of them is the caller. */
const OWNERS: Partial<Record<TargetName, string>> = {
  default: 'bob',
  'default dead': 'bob',
  'no role': 'plain',
  'user-manage': 'manager2',
  'user-manage dead': 'manager2',
  'user-admin': 'owner',
  'user-admin dead': 'owner',
  foreign: 'eve',
  'foreign dead': 'eve',
  'foreign user-admin': 'owner2',
  operator: 'svc',
  'operator dead': 'svc',
}

type Row = {
  readonly caller: string
  readonly ok: readonly TargetName[]
  readonly missing: readonly TargetName[]
}

const OWN: readonly TargetName[] = ['own', 'own other']
const DEAD: readonly TargetName[] = TARGETS.filter((name) => name.endsWith('dead'))
const LIVE: readonly TargetName[] = TARGETS.filter(
  (name) => !name.endsWith('dead') && name !== 'unknown' && name !== 'garbage',
)
const DEAD_OF_ACCOUNT: readonly TargetName[] = [
  'own dead',
  'default dead',
  'user-manage dead',
  'user-admin dead',
]

/** Everything that is neither `ok` nor `missing` is 403. */
const TABLE: readonly Row[] = [
  { caller: 'root', ok: LIVE, missing: [...DEAD, 'unknown', 'garbage'] },
  { caller: 'svc', ok: LIVE, missing: [...DEAD, 'unknown', 'garbage'] },
  {
    caller: 'owner',
    ok: [...OWN, 'default', 'no role', 'user-manage', 'user-admin'],
    missing: DEAD_OF_ACCOUNT,
  },
  { caller: 'manager', ok: [...OWN, 'default', 'no role'], missing: DEAD_OF_ACCOUNT },
  { caller: 'ann', ok: OWN, missing: ['own dead'] },
  { caller: 'plain', ok: [...OWN, 'no role'], missing: ['own dead'] },
  { caller: 'loose', ok: OWN, missing: ['own dead'] },
  { caller: 'loose2', ok: OWN, missing: ['own dead'] },
]

type Act = {
  readonly name: string
  readonly good: number
  ask(id: string): { method: string; path: string; query?: string }
}

const ACTS: readonly Act[] = [
  { name: 'DELETE by path', good: 204, ask: (id) => ({ method: 'DELETE', path: `/v2.0/tokens/${id}` }) },
  {
    name: 'DELETE by query',
    good: 204,
    ask: (id) => ({ method: 'DELETE', path: '/v2.0/tokens', query: `tokenId=${id}` }),
  },
  { name: 'GET', good: 200, ask: (id) => ({ method: 'GET', path: `/v2.0/tokens/${id}` }) },
  { name: 'HEAD', good: 200, ask: (id) => ({ method: 'HEAD', path: `/v2.0/tokens/${id}` }) },
]

for (const row of TABLE)
  for (const act of ACTS)
    test(`${row.caller}: ${act.name} of every kind of token`, async () => {
      const world = await openIdentity()
      for (const target of TARGETS) {
        const caller = await world.login(row.caller)
        const id = await targetText(world, row.caller, { target, caller })
        const { method, path, query } = act.ask(id)
        const answer = await world.ask(as(caller, method, path, query))
        const expected = row.ok.includes(target) ? act.good : row.missing.includes(target) ? 404 : 403
        assert.equal(answer.status, expected, `${target}: ${String(answer.body)}`)
      }
    })

type Wanted = { readonly target: TargetName; readonly caller: string }

async function targetText(world: IdentityWorld, callerName: string, wanted: Wanted): Promise<string> {
  const { target, caller } = wanted
  if (target === 'own') return caller
  if (target === 'unknown') return neverIssued(world.realm)
  if (target === 'garbage') return 'f00dfacef00dfacef00dfacef00dface'
  const token = await world.login(OWNERS[target] ?? callerName)
  if (!target.endsWith('dead')) return token
  assert.equal((await world.ask(as(token, 'DELETE', '/v2.0/tokens'))).status, 204)
  return token
}

test('who has no right gets one answer for unknown, foreign, dead, live and impossible ids', async () => {
  const world = await openIdentity()
  const seen: Partial<Record<string, readonly TargetName[]>> = {
    ann: TARGETS.filter((name) => !name.startsWith('own')),
    manager: [
      'foreign',
      'foreign dead',
      'foreign user-admin',
      'operator',
      'operator dead',
      'unknown',
      'garbage',
    ],
    owner: [
      'foreign',
      'foreign dead',
      'foreign user-admin',
      'operator',
      'operator dead',
      'unknown',
      'garbage',
    ],
  }
  for (const [name, targets = []] of Object.entries(seen)) {
    const caller = await world.login(name)
    const answers = new Set<string>()
    for (const target of targets) {
      const id = await targetText(world, name, { target, caller })
      for (const act of ACTS) {
        const { method, path, query } = act.ask(id)
        answers.add(JSON.stringify(await world.ask(as(caller, method, path, query))))
      }
    }
    assert.equal(answers.size, 1)
    assert.equal((JSON.parse([...answers][0] ?? '') as Answer).status, 403)
  }
})

test('an operator gets one answer for unknown, expired, revoked and impossible ids', async () => {
  const world = await openIdentity({ tokenLifeSeconds: 60 })
  const [expired, revoked] = [await world.login('ann'), await world.login('bob')]
  await world.ask(as(revoked, 'DELETE', '/v2.0/tokens'))
  world.clock.advance(60_000)
  const caller = await world.login('root')
  const answers = new Set<string>()
  for (const id of [expired, revoked, neverIssued(world.realm), 'x', `${revoked}x`, revoked.slice(0, -1)])
    for (const act of ACTS) {
      const { method, path, query } = act.ask(id)
      answers.add(JSON.stringify(await world.ask(as(caller, method, path, query))))
    }
  assert.deepEqual(
    [...answers].map((answer) => (JSON.parse(answer) as Answer).status),
    [404],
  )
})

test('a refused revoke changes nothing: the token lives and the log is as it was', async () => {
  const world = await openIdentity()
  const [ann, bob, eve] = [await world.login('ann'), await world.login('bob'), await world.login('eve')]
  const before = await world.store.head(world.realm.ordinal)
  for (const id of [bob, eve])
    assert.equal((await world.ask(as(ann, 'DELETE', `/v2.0/tokens/${id}`))).status, 403)
  assert.deepEqual(await world.store.head(world.realm.ordinal), before)
  for (const id of [ann, bob, eve])
    assert.equal((await world.ask(as(id, 'GET', `/v2.0/tokens/${id}`))).status, 200)
})
