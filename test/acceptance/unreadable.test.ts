import assert from 'node:assert/strict'
import type { Store } from '@rescind/core'
import { realmOrdinal } from '@rescind/core'
import { type AgedServer, onAgedStores, rowWith, write } from '../kit/aged-server.ts'
import { API_KEY, type Calls, CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

// The kind: what a newer, or a broken, server left in a store takes down more than itself, or is taken for something else.

function control(of: Calls, line: string, body?: unknown): Promise<RawAnswer> {
  const [method = '', path = ''] = line.split(' ')
  const whole = `${method} /control/v1${path}`
  return body === undefined
    ? of.send(whole, [CONTROL])
    : of.send(whole, [CONTROL, JSON_BODY], JSON.stringify(body))
}

/** The same realm again, as it was, under a name of its own. */
async function branch(calls: Calls): Promise<void> {
  const made = await control(calls, 'POST /realms', { name: 'branch' })
  assert.equal(made.status, 201, made.body.toString())
}

/** Puts this in the place of a record, as whoever writes the store can. */
async function overwrite(
  store: Store,
  at: { realm?: number; collection: string; id: string },
  change: (body: string) => string,
): Promise<void> {
  const realm = realmOrdinal(at.realm ?? 1)
  const record = await store.record(realm, at.collection, at.id)
  assert.ok(record?.body !== undefined, `${at.collection}/${at.id}`)
  const { collection, id, version: fromVersion } = record
  await write(
    store,
    [{ kind: 'put-record', record: { collection, id, fromVersion, body: change(record.body), keys: [] } }],
    realm,
  )
}

async function readyz({
  calls,
}: AgedServer): Promise<{
  status: number
  text: string
  troubles: readonly { code: string; realm?: string; detail: string }[]
}> {
  const answer = await calls.send('GET /readyz')
  const troubles = memberAt(answer, 'troubles') ?? []
  return {
    status: answer.status,
    text: answer.body.toString(),
    troubles: troubles as { code: string; detail: string }[],
  }
}

/** What makes the realm `default` unreadable, as a whole. */
const BROKEN_REALMS: Readonly<Record<string, (store: Store) => Promise<void>>> = {
  'a row of a newer version': (store) => write(store, [rowWith(Buffer.from([2, 0, 0]), { kind: 'hold' })]),
  'a row that is cut short': (store) => write(store, [rowWith(Buffer.from([1, 0]), { kind: 'revoke' })]),
  'a row of no bytes': (store) => write(store, [rowWith(Buffer.alloc(0), { kind: 'change' })]),
  'a record that is no JSON': (store) =>
    overwrite(store, { realm: 0, collection: 'realms', id: 'default' }, (body) => body.slice(1)),
  'a state that is not known': (store) =>
    overwrite(store, { realm: 0, collection: 'realms', id: 'default' }, (body) =>
      JSON.stringify({ ...(JSON.parse(body) as object), state: 'archived' }),
    ),
  'keys that do not open': (store) =>
    overwrite(store, { realm: 0, collection: 'realms', id: 'default' }, (body) =>
      JSON.stringify({ ...(JSON.parse(body) as object), wrappedKeys: 'AAAA' }),
    ),
  'settings that are not known': (store) =>
    write(store, [
      {
        kind: 'put-record',
        record: {
          collection: 'realmSettings',
          id: 'realm',
          fromVersion: 0,
          body: '{"maxLifetime":"P1D"}',
          keys: [],
        },
      },
    ]),
  'prefixes that are not known': (store) =>
    write(store, [
      {
        kind: 'put-record',
        record: { collection: 'tokenPrefixes', id: 'own', fromVersion: 0, body: '[]', keys: [] },
      },
    ]),
}

for (const [what, age] of Object.entries(BROKEN_REALMS)) {
  onAgedStores(`one realm is out of order by ${what}, says so, and the others are served`, async (open) => {
    const server = await open({ before: branch, age: (store) => age(store) })
    const { calls } = server
    const { status, text, troubles } = await readyz(server)
    assert.equal(status, 200, text)
    assert.equal(troubles[0]?.code, 'realm_unreadable', text)
    assert.ok(
      troubles.every(({ realm }) => realm === 'default'),
      text,
    )
    assert.match(troubles[0]?.detail ?? '', /version that wrote it|backup/, text)
    assert.ok(
      server.logged().some(({ level, realm }) => level === 50 && realm === 'default'),
      'the log says it',
    )
    const metrics = await calls.send('GET /metrics', [CONTROL])
    assert.match(metrics.body.toString(), /^rescind_troubles\{code="realm_unreadable"\} 1$/m)

    // Nothing in it is answered, least of all as "not found".
    for (const answer of [
      await calls.introspect(SVC, 'rsa_anything'),
      await calls.oauthRevoke(SVC, 'rsa_anything'),
      await calls.send('DELETE /admin/clients/u1/token', [API_KEY]),
      await calls.send('GET /v2.0/tokens/x', ['X-Auth-Token: y']),
      await calls.send('GET /check', ['Authorization: Bearer rsa_anything']),
      await control(calls, 'POST /revocations', { target: { source: 'oauth', subject: 'ann' }, reason: 'r' }),
      await calls.send('GET /control/v1/feed/config', ['Authorization: Bearer orders-api-key-0123456789']),
    ])
      assert.equal(answer.status, 503, answer.body.toString())
    const refused = await control(calls, 'POST /revocations', { target: { realm: true }, reason: 'r' })
    assert.match(textAt(refused, 'detail'), /trying again does not help/)

    const there = { target: { source: 'oauth', subject: 'ann' }, reason: 'r' }
    const done = await control(calls, 'POST /revocations?realm=branch', there)
    assert.equal(done.status, 201, done.body.toString())
    await server.maintenance.tick()
    assert.deepEqual((await readyz(server)).troubles, troubles, 'upkeep goes on')
  })
}

onAgedStores('with --ready-strict one realm that is out of order makes the server unready', async (open) => {
  const server = await open({
    age: (store) => write(store, [rowWith(Buffer.from([9]), { kind: 'release' })]),
    flags: ['--ready-strict'],
  })
  assert.equal((await readyz(server)).status, 503)
})

onAgedStores('the audit of a realm whose log cannot be read says where that is', async (open) => {
  const { calls } = await open({
    age: (store) => write(store, [rowWith(Buffer.from([2, 7]), { kind: 'hold' })]),
  })
  const audit = await control(calls, 'GET /audit?limit=1000')
  assert.equal(audit.status, 200, audit.body.toString())
  const rows = memberAt(audit, 'rows') as readonly { seq: number; kind: string }[]
  assert.equal(rows[0]?.kind, 'unreadable')
  assert.ok(rows.length > 5)
})
