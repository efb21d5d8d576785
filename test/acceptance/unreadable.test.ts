import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { EXPIRING_KINDS, type Operation, type Store, storedKind } from '@rescind/authority'
import { realmOrdinal } from '@rescind/core'
import { sha256Base64url } from '@rescind/core/bytes'
import { type AgedServer, onAgedStores, rowWith, write } from '../kit/aged-server.ts'
import { API_KEY, type Calls, CONTROL, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { START_MS } from '../kit/realm.ts'
import { ANN, CHAT, OTHER, SVC } from '../kit/seed.ts'

// Data left in a store by a newer or broken server must not affect more than itself, and must not be misread.

/** The same realm under another name. */
async function branch(calls: Calls): Promise<void> {
  const made = await calls.control('POST /realms', { name: 'branch' })
  assert.equal(made.status, 201, made.body.toString())
}

/** Overwrites a record, as a writer of the store can. */
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

async function readyz({ calls }: AgedServer): Promise<{
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

/** What makes the whole realm `default` unreadable. */
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

    // Nothing in it is answered, and never as "not found".
    for (const answer of [
      await calls.introspect(SVC, 'rsa_anything'),
      await calls.oauthRevoke(SVC, 'rsa_anything'),
      await calls.send('DELETE /admin/clients/u1/token', [API_KEY]),
      await calls.send('GET /v2.0/tokens/x', ['X-Auth-Token: y']),
      await calls.send('GET /check', ['Authorization: Bearer rsa_anything']),
      await calls.control('POST /revocations', { target: { source: 'oauth', subject: 'ann' }, reason: 'r' }),
      await calls.send('GET /control/v1/feed/config', ['Authorization: Bearer orders-api-key-0123456789']),
    ])
      assert.equal(answer.status, 503, answer.body.toString())
    const refused = await calls.control('POST /revocations', { target: { realm: true }, reason: 'r' })
    assert.match(textAt(refused, 'detail'), /a repetition will not help/)

    const there = { target: { source: 'oauth', subject: 'ann' }, reason: 'r' }
    const done = await calls.control('POST /revocations?realm=branch', there)
    assert.equal(done.status, 201, done.body.toString())
    await server.maintenance.tick()
    assert.deepEqual((await readyz(server)).troubles, troubles, 'upkeep goes on')

    // Last, because a list of all realms notes the record of this one as unreadable, too.
    const found = jsonOf(await calls.control('POST /find', { text: 'ann' })) as {
      readonly complete: boolean
      readonly searched: readonly { readonly realm: string; readonly state: string }[]
    }
    assert.equal(found.complete, false)
    assert.deepEqual(found.searched.map(({ realm, state }) => [realm, state]).sort(), [
      ['branch', 'served'],
      ['default', 'outOfOrder'],
    ])
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
  const audit = await calls.control('GET /audit?limit=1000')
  assert.equal(audit.status, 200, audit.body.toString())
  const rows = memberAt(audit, 'rows') as readonly { seq: number; kind: string }[]
  assert.equal(rows[0]?.kind, 'unreadable')
  assert.ok(rows.length > 5)
})

/** Single records that cannot be read, and what depends on them. */
const BROKEN_RECORDS: Readonly<Record<string, { readonly change: (body: string) => string }>> = {
  'is no JSON': { change: (body) => body.slice(0, -1) },
  'is a list': { change: (body) => `[${body}]` },
  'says "enabled" in another way': { change: (body) => body.replace('"enabled":true', '"enabled":"no"') },
  'lacks what it may do': { change: (body) => body.replace('"scopes"', '"rights"') },
}

for (const [what, { change }] of Object.entries(BROKEN_RECORDS)) {
  onAgedStores(`a client whose record ${what} cannot be answered, and every other one is`, async (open) => {
    const server = await open({
      age: (store) => overwrite(store, { collection: 'oauthClients', id: OTHER.clientId }, change),
    })
    const { calls } = server
    assert.equal((await calls.introspect(OTHER, 'rsa_x')).status, 503)
    const token = await calls.oauthToken(SVC)
    assert.equal(await calls.isActive(SVC, token), true)
    const list = await calls.control('GET /clients')
    assert.equal(list.status, 200, list.body.toString())
    assert.ok(
      list.body.toString().includes(SVC.clientId) && !list.body.toString().includes(`"${OTHER.clientId}"`),
    )
    const one = await calls.control(`GET /clients/${OTHER.clientId}`)
    assert.equal(one.status, 503)
    assert.match(textAt(one, 'detail'), /damaged or was written by a newer version/)
    const { status, troubles, text } = await readyz(server)
    assert.deepEqual([status, troubles.map(({ code }) => code)], [200, ['record_unreadable']])
    assert.ok(!text.includes(OTHER.clientId), 'whoever asks has shown no key')
    const logged = server.logged().filter(({ what: kind }) => kind === 'record')
    assert.deepEqual(
      logged.map(({ name }) => name),
      [`oauthClients/${OTHER.clientId}`],
      'the log names it, once',
    )
  })
}

onAgedStores('calls that end tokens work even if the record of their owner cannot be read', async (open) => {
  let tokens: readonly string[] = []
  const server = await open({
    before: async (calls) => {
      await calls.chatClient('u')
      tokens = [await calls.identityToken(ANN), await calls.chatToken('u'), await calls.oauthToken(OTHER)]
    },
    age: async (store) => {
      for (const [collection, id] of [
        ['identityUsers', ANN.id],
        ['chatApps', CHAT.app],
        ['oauthClients', OTHER.clientId],
      ] as const)
        await overwrite(store, { collection, id }, (body) => body.slice(0, -1))
    },
  })
  const { calls } = server
  const targets = [
    { source: 'identity', subject: ANN.id },
    { source: `chat/${CHAT.app}` },
    { source: 'oauth', client: OTHER.clientId },
  ]
  for (const target of targets) {
    const dry = await calls.control('POST /revocations', { target, reason: 'r', dryRun: true })
    assert.equal(dry.status, 200, dry.body.toString())
    const done = await calls.control('POST /revocations', { target, reason: 'r' })
    assert.equal(done.status, 201, done.body.toString())
  }
  for (const token of tokens)
    assert.equal(textAt(await calls.control('POST /tokens/lookup', { token }), 'state'), 'revoked')
})

const HOLD = {
  ...{ targets: [{ kind: 'grant', source: 'oauth', grant: 'grt_x' }], reason: 'r', by: 'control:x' },
  ...{ placedAtMs: START_MS, dueAtMs: START_MS + 1_000, atDeadline: 'release' },
}
/** Pending records as a newer version might write them. */
const STRANGE_PENDING: readonly object[] = [
  { ...HOLD, targets: [{ kind: 'device', id: 'd1' }] },
  { ...HOLD, targets: [] },
  { ...HOLD, targets: [{ kind: 'cut', shape: 'planet', principals: { source: 'oauth' } }] },
  { ...HOLD, atDeadline: 'ask' },
  { ...HOLD, dueAtMs: '2026-03-01' },
]

onAgedStores('holds of a newer kind wait, and hold up no other one', async (open) => {
  const put = (id: string, value: object): Operation => ({
    kind: 'put-record',
    record: { collection: 'holds', id, fromVersion: 0, body: JSON.stringify(value), keys: [] },
  })
  const server = await open({
    age: (store) =>
      write(store, [
        ...STRANGE_PENDING.map((value, at) => put(`hold_${at}`, value)),
        put('hold_plain', HOLD),
      ]),
  })
  const { calls, clock } = server
  clock.advance(2_000)
  await server.maintenance.tick()
  assert.equal((await calls.control('GET /holds/hold_plain')).status, 200)
  assert.equal(memberAt(await calls.control('GET /holds/hold_plain'), 'state'), 'released')
  assert.deepEqual(memberAt(await calls.control('GET /holds'), 'holds'), [])
  assert.equal((await calls.control('GET /holds/hold_0')).status, 503)
  const { troubles } = await readyz(server)
  assert.deepEqual(
    troubles.map(({ code }) => code),
    ['record_unreadable'],
  )
  assert.match(troubles[0]?.detail ?? '', /^5 of record holds/)
})

/** Expiring entries of every kind that is read, with bytes that no version wrote. */
onAgedStores('expiring entries of a newer kind end no start and no list', async (open) => {
  const ends = START_MS + 9e9
  const bytes = Buffer.from('\u0001{"newer":true')
  const kinds = [
    'holds',
    'schedules',
    'approvals',
    'feed-instance',
    'receipts',
    'log-checkpoint',
    'last-used',
    'accepted',
    'accepted-dropped',
  ] as const
  const server = await open({
    age: async (store) => {
      const accepted = `for_${sha256Base64url('["i","j"]')}.x`
      const ids: Readonly<Record<string, string>> = {
        receipts: '0000000000',
        'log-checkpoint': 'head',
        accepted,
      }
      await write(
        store,
        kinds.map((kind) => ({
          kind: 'put-expiring',
          entry: { kind: storedKind(kind), id: ids[kind] ?? 'x', value: bytes, expiresAtMs: ends },
        })),
      )
      await write(
        store,
        [
          {
            kind: 'put-expiring',
            entry: { kind: EXPIRING_KINDS.fork, id: 'branch', value: bytes, expiresAtMs: ends },
          },
        ],
        realmOrdinal(0),
      )
    },
    before: branch,
  })
  const { calls } = server
  for (const path of ['/holds', '/revocations/scheduled', '/approvals']) {
    const list = await calls.control(`GET ${path}?state=ended`)
    assert.equal(list.status, 200, list.body.toString())
  }
  const exposed = await calls.control('GET /exposure?issuer=i&jti=j')
  assert.deepEqual(memberAt(exposed, 'tokens'), [{ issuer: 'i', jti: 'j', accepted: [] }])
  const target = { source: 'oauth', subject: 'ann' }
  assert.equal((await calls.control('POST /revocations', { target, reason: 'r' })).status, 201)
  const found = await calls.control('GET /revocations?subject=ann')
  assert.equal((memberAt(found, 'revocations') as unknown[]).length, 1, 'an unreadable index is not used')
  const proved = await calls.control('POST /revocations?realm=branch', { target, reason: 'r' })
  assert.equal(proved.status, 503, 'proof that cannot be read is proof')
  await server.maintenance.tick()
  const codes = (await readyz(server)).troubles.map(({ code }) => code)
  assert.deepEqual([...new Set(codes)], ['log_rolled_back', 'record_unreadable'])
})

onAgedStores(
  'a token with a record of a newer kind is an outage, is in no list, and stops no upkeep',
  async (open) => {
    let tokens: readonly string[] = []
    const server = await open({
      before: async (calls) => {
        tokens = [await calls.oauthToken(SVC), await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
      },
      // The memory store holds records, which cannot be misread.
      age: async (_store, path) => {
        if (path === undefined) return
        const db = new DatabaseSync(path)
        const rows = db.prepare('SELECT id FROM token WHERE facts LIKE \'%"svc"%\' ORDER BY id').all()
        const [first, second] = rows.map(({ id }) => Number(id))
        db.prepare("UPDATE token SET facts = 'no JSON' WHERE id = ?").run(first ?? 0)
        db.prepare(
          'UPDATE token SET facts = replace(facts, \'"kind":"access"\', \'"kind":"device"\') WHERE id = ?',
        ).run(second ?? 0)
        db.close()
      },
    })
    const { calls, clock } = server
    const [first = '', second = '', third = ''] = tokens
    if (existsSync(server.path ?? '')) {
      for (const token of [first, second]) {
        assert.equal((await calls.introspect(SVC, token)).status, 503)
        assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 503)
      }
      assert.deepEqual(
        (await readyz(server)).troubles.map(({ code, detail }) => [code, detail.slice(0, 10)]),
        [['record_unreadable', '2 of token']],
      )
    }
    assert.equal(await calls.isActive(SVC, third), true)
    const list = await calls.control('GET /tokens?source=oauth&client=svc')
    assert.equal(list.status, 200, list.body.toString())
    clock.advance(86_400_000 * 2)
    await server.maintenance.tick()
    const codes = (await readyz(server)).troubles.map(({ code }) => code)
    assert.ok(!codes.includes('upkeep_waits'), codes.join())
  },
)

onAgedStores('a token whose names are no names is in no list, and moves no other one', async (open) => {
  let tokens: readonly string[] = []
  const server = await open({
    before: async (calls) => {
      const made: string[] = []
      while (made.length < 8) made.push(await calls.oauthToken(SVC))
      tokens = made
    },
    age: async (_store, path) => {
      if (path === undefined) return
      const db = new DatabaseSync(path)
      const rows = db.prepare('SELECT id FROM token WHERE facts LIKE \'%"svc"%\' ORDER BY id').all()
      const odd = ["digest = 'short'", "handle = 'tok_x'", "bits = ''", "bits = 'ab'", "bits = 'äöüäöüäöüä'"]
      odd.forEach((set, at) => {
        db.prepare(`UPDATE token SET ${set} WHERE id = ?`).run(Number(rows[at]?.['id']))
      })
      db.close()
    },
  })
  const { calls } = server
  if (existsSync(server.path ?? '')) {
    assert.equal((await calls.introspect(SVC, tokens[1] ?? '')).status, 503)
    assert.equal(await calls.isActive(SVC, tokens[0] ?? ''), false)
  }
  for (const token of tokens.slice(2)) assert.equal(await calls.isActive(SVC, token), true)
  for (const path of ['/tokens?source=oauth&client=svc', '/tokens?state=held', '/tokens?source=oauth']) {
    const list = await calls.control(`GET ${path}`)
    assert.equal(list.status, 200, list.body.toString())
  }
  await server.maintenance.tick()
})

onAgedStores(
  '[W40] a realm whose log was rolled back is named by /readyz, and a refused revocation says how to end that',
  async (open) => {
    const checkpoint = { ordinal: 1, epochId: 'e', seq: 99, chain: 'c' }
    const value = Buffer.from(JSON.stringify(checkpoint))
    const server = await open({
      before: branch,
      age: (store) =>
        write(
          store,
          [
            {
              kind: 'put-expiring',
              entry: { kind: EXPIRING_KINDS.fork, id: 'branch', value, expiresAtMs: 253_402_300_799_999 },
            },
          ],
          realmOrdinal(0),
        ),
    })
    const { calls } = server
    const { status, troubles } = await readyz(server)
    assert.equal(status, 200)
    assert.deepEqual(
      troubles.map(({ code, realm }) => [code, realm]),
      [['log_rolled_back', 'branch']],
    )
    assert.match(troubles[0]?.detail ?? '', /rescind epoch new/)
    const target = { source: 'oauth', subject: 'ann' }
    for (const line of ['POST /revocations?realm=branch', 'POST /approvals?realm=branch']) {
      const refused = await calls.control(line, { target, reason: 'r' })
      assert.equal(refused.status, 503)
      assert.match(textAt(refused, 'detail'), /rolled back.*an operator.*`rescind epoch new`/)
      assert.doesNotMatch(textAt(refused, 'detail'), /safe to try again/)
    }
    assert.equal((await calls.control('POST /revocations', { target, reason: 'r' })).status, 201)
  },
)
