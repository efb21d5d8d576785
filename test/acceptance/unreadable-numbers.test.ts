import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type AgedServer, onAgedStores } from '../kit/aged-server.ts'
import { memberAt } from '../kit/calls.ts'
import { OTHER, SVC } from '../kit/seed.ts'

// An oversized number in one row, or many unreadable rows, must not affect anything else. stores/sqlite/exact.test.ts
// tries each column. The memory store holds records, which cannot be misread, so it behaves like any server here.

const HUGE = 9_223_372_036_854_775_807n

type Rows = (sql: string, ...values: (bigint | string)[]) => void

function rewriting(path: string | undefined, change: (rows: Rows) => void): void {
  if (path === undefined) return
  const db = new DatabaseSync(path)
  change((sql, ...values) => {
    assert.ok(db.prepare(sql).run(...values).changes > 0, sql)
  })
  db.close()
}

async function troublesOf({
  calls,
}: AgedServer): Promise<readonly (readonly [code: string, detail: string])[]> {
  const answer = await calls.send('GET /readyz')
  assert.equal(answer.status, 200, answer.body.toString())
  const troubles = (memberAt(answer, 'troubles') ?? []) as readonly { code: string; detail: string }[]
  return troubles.map(({ code, detail }) => [code, detail])
}

const FIRST = `WHERE id = (SELECT min(id) FROM token WHERE facts LIKE '%"svc"%')`
const ODD_TOKENS: Readonly<Record<string, string>> = {
  'that ends beyond all numbers': `UPDATE token SET expires_at = ${HUGE} ${FIRST}`,
  'that ended before all numbers': `UPDATE token SET expires_at = -${HUGE} ${FIRST}`,
  'that was extended at no time': `UPDATE token SET extended_at = ${HUGE} ${FIRST}`,
  'whose position is beyond all logs': `UPDATE token SET facts = replace(facts, '"position":', '"position":1e300') ${FIRST}`,
  'whose position has no end': `UPDATE token SET facts = replace(facts, '"position":', '"position":1e999') ${FIRST}`,
  'that was issued at no time': `UPDATE token SET facts = replace(facts, '"issuedAtMs":', '"issuedAtMs":9e300') ${FIRST}`,
}

for (const [what, sql] of Object.entries(ODD_TOKENS))
  onAgedStores(`a token ${what} is one that cannot be answered for, and all others are`, async (open) => {
    let tokens: readonly string[] = []
    const server = await open({
      before: async (calls) => {
        tokens = [await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
      },
      age: async (_store, path) =>
        rewriting(path, (rows) => rows(sql.replace(/:(1e|9e)(\d+)/, ':$1$2,"was":'))),
    })
    const { calls } = server
    const [odd = '', other = ''] = tokens
    if (server.path !== undefined) {
      assert.equal((await calls.introspect(SVC, odd)).status, 503)
      assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${odd}`])).status, 503)
      const [trouble] = await troublesOf(server)
      assert.deepEqual([trouble?.[0], trouble?.[1].slice(0, 10)], ['record_unreadable', '1 of token'])
    }
    assert.equal(await calls.isActive(SVC, other), true)
    assert.equal((await calls.control('GET /tokens?source=oauth&client=svc')).status, 200)
    const cutoff = { target: { source: 'oauth', client: 'svc' }, reason: 'r' }
    assert.equal((await calls.control('POST /revocations', cutoff)).status, 201)
    assert.equal(await calls.isActive(SVC, other), false)
    await server.maintenance.tick()
    assert.ok((await troublesOf(server)).every(([code]) => code === 'record_unreadable'))
  })

onAgedStores('a client with an oversized version gives an outage', async (open) => {
  const server = await open({
    age: async (_store, path) =>
      rewriting(path, (rows) =>
        rows(
          `UPDATE record SET version = ? WHERE collection = 'oauthClients' AND id = ?`,
          HUGE,
          OTHER.clientId,
        ),
      ),
  })
  const { calls } = server
  // The seed was applied again and has not created it anew.
  assert.equal((await calls.introspect(OTHER, 'rsa_x')).status, server.path === undefined ? 200 : 503)
  assert.equal(await calls.isActive(SVC, await calls.oauthToken(SVC)), true)
  const list = await calls.control('GET /clients')
  assert.equal(list.status, 200, list.body.toString())
})

/** More than one step of collection, and more than one page of the reader. */
const STRANGE_ROWS = 500

onAgedStores('expired tokens that cannot be read delay no others, however many there are', async (open) => {
  let tokens: readonly string[] = []
  const server = await open({
    before: async (calls) => {
      tokens = [await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
    },
    age: async (_store, path) =>
      rewriting(path, (rows) => {
        const columns = 'realm, expires_at, extended_at, client, sealed'
        rows(`WITH RECURSIVE n(at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM n WHERE at < ${STRANGE_ROWS})
          INSERT INTO token (digest, handle, bits, facts, ${columns})
          SELECT printf('%043d', at), printf('tok_%022d', at), printf('%010d', at), '{"newer":true}',
            realm, expires_at - 1000, NULL, NULL, NULL
          FROM n, (SELECT * FROM token ${FIRST})`)
      }),
  })
  const { calls, clock } = server
  assert.equal(await calls.isActive(SVC, tokens[0] ?? ''), true)
  clock.advance(86_400_000 * 2)
  for (let round = 0; round < 3; round += 1) await server.maintenance.tick()
  const left = await server.store.expiredTokens(clock.wallMs(), 1_000)
  assert.deepEqual(
    left.filter(({ record }) => record !== undefined),
    [],
    'readable tokens are collected',
  )
  const strange = server.path === undefined ? 0 : STRANGE_ROWS
  assert.equal(left.length, strange, 'what cannot be read stays')
  const troubles = await troublesOf(server)
  if (strange > 0) assert.match(troubles.join(), /record_unreadable,500 of token/)
  else assert.deepEqual(troubles, [])
})
