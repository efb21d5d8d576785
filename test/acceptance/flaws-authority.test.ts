import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { before, test } from 'node:test'
import { API_KEY, basic, CONTROL, FORM_BODY, JSON_BODY, OAUTH, textAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { ANN, BOB, EVE, GATEWAY, OTHER, ROOT, SEED, SVC } from '../kit/seed.ts'

/** Texts that open something, and texts that only look like it: ids, digests, halves of secrets, words for false. */

/** A secret longer than some comparisons look at. */
const LONG = { clientId: 'long', clientSecret: 'Aa1!'.repeat(75) }
const [REALM] = SEED.realms as readonly { readonly oauthClients: readonly unknown[] }[]
const CLIENTS = [...(REALM?.oauthClients ?? []), { ...LONG, grantTypes: ['client_credentials'], scopes: [] }]

const seed = { realms: [{ ...REALM, oauthClients: CLIENTS }] }
const { server, calls } = await openForFile({
  time: 'hand',
  seed,
  flags: ['--identity-rate', '0', '--control-rate', '0'],
})
let root = ''
before(async () => {
  root = await calls.identityToken(ROOT)
})

/** Everything about a token that others than its bearer may see. */
async function idsOf(token: string): Promise<readonly string[]> {
  const looked = await calls.control('POST /tokens/lookup', { token })
  const shown = JSON.parse(looked.body.toString()) as Readonly<Record<string, unknown>>
  const ids = ['handle', 'grant', 'digest', 'session', 'jti'].flatMap((name) => {
    const value = (shown['facts'] as typeof shown | undefined)?.[name] ?? shown[name]
    return typeof value === 'string' ? [value] : []
  })
  const hashes = (['hex', 'base64', 'base64url'] as const).map((way) =>
    createHash('sha256').update(token).digest(way),
  )
  assert.ok(ids.length > 0)
  return [...ids, ...ids.map((id) => id.replace(/^[a-z]+_/, '')), ...hashes]
}

test('[C02] a caller who knows a token’s handle, grant or digest, but not its text, can end it in no dialect', async () => {
  const bob = await calls.identityToken(BOB)
  const [access, chat, eve] = [
    (await calls.oauthGrant('victim')).access,
    await calls.chatToken('victim'),
    await calls.identityToken(EVE),
  ]
  for (const token of [access, chat, eve]) {
    for (const id of await idsOf(token)) {
      const before = server.power.writes
      const text = encodeURIComponent(id)
      assert.equal((await calls.oauthRevoke(SVC, id)).status, 200, 'as for any text that is no token')
      assert.ok((await calls.identity('DELETE', bob, text)).status >= 400)
      assert.ok((await calls.identity('DELETE', root, text)).status >= 400)
      assert.ok((await calls.identity('DELETE', id, '')).status >= 400, 'nor does it open anything')
      const v3 = await calls.send('DELETE /v3/auth/tokens', [
        `X-Auth-Token: ${root}`,
        `X-Subject-Token: ${id}`,
      ])
      assert.ok(v3.status >= 400)
      assert.ok((await calls.chatRevoke('victim', id)).status >= 400)
      assert.equal((await calls.chatMe(id)).status, 401)
      assert.equal(await calls.isActive(GATEWAY, id), false)
      assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${id}`])).status, 401)
      assert.equal(server.power.writes, before, `${id} wrote something`)
    }
    assert.equal(await calls.isActive(GATEWAY, token), true)
  }
})

test('[C10] deleting admin keys in any order leaves one that can end every live token', async () => {
  const tokens = [
    (await calls.oauthGrant('kept')).access,
    await calls.chatToken('kept'),
    await calls.identityToken(EVE),
    await calls.oauthToken(OTHER),
  ]
  const made: { id: string; key: string }[] = []
  for (let nth = 0; nth < 6; nth += 1) {
    const answer = await calls.control('POST /keys', { name: `admin ${nth}`, role: 'admin' })
    made.push({ id: textAt(answer, 'id'), key: textAt(answer, 'key') })
  }
  // The last one deletes the others, and finally itself.
  const order = [2, 5, 0, 3, 1, 4]
  let left = made.length
  for (const nth of order) {
    const by = made[order[order.length - 1] ?? 0]
    const answer = await calls.send(`DELETE /control/v1/keys/${made[nth]?.id}`, [
      `Authorization: Bearer ${by?.key}`,
    ])
    assert.equal(answer.status, 204)
    left -= 1
    const { keys } = JSON.parse((await calls.control('GET /keys')).body.toString()) as {
      keys: { role: string }[]
    }
    assert.equal(keys.filter(({ role }) => role === 'admin').length, left + 1)
  }
  const last = await calls.control('DELETE /keys/first')
  assert.equal(last.status, 409, 'the last one cannot go')
  for (const role of ['viewer', 'responder'])
    assert.equal((await calls.control('POST /keys', { name: role, role })).status, 201)
  assert.equal((await calls.control('DELETE /keys/first')).status, 409, 'keys of lesser roles do not count')
  for (const token of tokens) {
    assert.equal(await calls.isActive(GATEWAY, token), true)
    assert.equal(
      (await calls.control('POST /revocations', { target: { token }, reason: 'test' })).status,
      201,
    )
    assert.equal(await calls.isActive(GATEWAY, token), false)
  }
})

/** Texts that equal the secret for a comparison of its first bytes, or up to a NUL. */
function near(secret: string): readonly string[] {
  const cutoffs = [1, 31, 32, 71, 72, 73, 127, 128, 254, 255, 256, secret.length - 1].filter(
    (at) => at < secret.length,
  )
  return [
    ...cutoffs.map((at) => secret.slice(0, at)),
    ...cutoffs.map((at) => `${secret.slice(0, at)}${'x'.repeat(secret.length - at)}`),
    `${secret}x`,
    `${secret}${secret}`,
    `${secret.slice(0, 1)}${secret.slice(2)}`,
    secret.toUpperCase(),
  ]
}

test('[D05] [K04] secrets that share their first 1, 31, 72, 255 or 256 bytes are distinguished like any others', async () => {
  const ask = (clientSecret: string): Promise<RawAnswer> =>
    calls.send(
      `POST ${OAUTH}`,
      [basic({ ...LONG, clientSecret }), FORM_BODY],
      'grant_type=client_credentials',
    )
  assert.equal((await ask(LONG.clientSecret)).status, 200)
  for (const secret of near(LONG.clientSecret)) assert.equal((await ask(secret)).status, 401, secret)
})

test('[D05] passwords and API keys are compared whole: neither a shared beginning nor a NUL makes one match another', async () => {
  const password = `Aa1!${'p'.repeat(96)}`
  const user = { user: { name: 'longpw', password, enabled: true, default_project_id: BOB.tenant } }
  const made = await calls.send('POST /v3/users', [`X-Auth-Token: ${root}`, JSON_BODY], JSON.stringify(user))
  assert.equal(made.status, 201, made.body.toString())
  const login = (text: string): Promise<RawAnswer> => {
    const identity = {
      methods: ['password'],
      password: { user: { name: 'longpw', domain: { id: 'default' }, password: text } },
    }
    return calls.send('POST /v3/auth/tokens', [JSON_BODY], JSON.stringify({ auth: { identity } }))
  }
  assert.equal((await login(password)).status, 201)
  const wrong = [
    password.slice(0, 72),
    `${password.slice(0, 72)}${'q'.repeat(28)}`,
    `${password}p`,
    password.slice(0, -1),
    `${password.slice(0, 1)}\0${password.slice(2)}`,
    `A\0`,
  ]
  for (const text of wrong) assert.ok([400, 401].includes((await login(text)).status), JSON.stringify(text))
  const byKey = (apiKey: string): Promise<RawAnswer> => {
    const auth = { 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey } }
    return calls.send('POST /v2.0/tokens', [JSON_BODY], JSON.stringify({ auth }))
  }
  assert.equal((await byKey(ANN.apiKey)).status, 200)
  for (const text of [...near(ANN.apiKey), `${ANN.apiKey}\0`, `a\0${ANN.apiKey}`])
    assert.ok([400, 401].includes((await byKey(text)).status))
})

test('[K04] keys that share 0, 8, 16 or 31 bytes with the right one are refused with the same bytes', async () => {
  const key = CONTROL.slice('Authorization: Bearer '.length)
  const shares = [0, 8, 16, key.length - 1]
  const said = new Set<string>()
  for (const share of shares) {
    const wrong = key.slice(0, share) + 'x'.repeat(key.length - share)
    const answer = await calls.send('GET /control/v1/keys', [`Authorization: Bearer ${wrong}`])
    said.add(
      `${answer.status} ${answer.headers.filter(([name]) => name !== 'date').join()} ${answer.body.toString()}`,
    )
  }
  assert.equal(said.size, 1)
  const chat = new Set<string>()
  const apiKey = API_KEY.slice('IM-API-KEY: '.length)
  for (const share of shares) {
    const answer = await calls.send('GET /admin/clients', [
      `IM-API-KEY: ${apiKey.slice(0, share)}${'x'.repeat(apiKey.length - share)}`,
    ])
    chat.add(`${answer.status} ${answer.body.toString()}`)
  }
  assert.equal(chat.size, 1)
})

test('[K08] an unknown client gets the answer and the work of a known one with a wrong secret', async () => {
  const ask = (clientId: string, clientSecret: string): Promise<RawAnswer> =>
    calls.send(
      `POST ${OAUTH}`,
      [basic({ clientId, clientSecret }), FORM_BODY],
      'grant_type=client_credentials',
    )
  const shown = ({ status, headers, body }: RawAnswer): string =>
    JSON.stringify([status, headers.filter(([name]) => name !== 'date'), body.toString()])
  const [unknown, known] = [await ask('nobody', 'x'.repeat(26)), await ask(SVC.clientId, 'x'.repeat(26))]
  assert.equal(shown(unknown), shown(known))
  assert.equal(headerOf(unknown, 'www-authenticate'), headerOf(known, 'www-authenticate'))
  // The work is the same: both read the directory, and both compare one digest.
  const cost = async (clientId: string): Promise<number> => {
    const start = process.cpuUsage()
    for (let nth = 0; nth < 30; nth += 1) await ask(clientId, `wrong-${nth}-${'y'.repeat(16)}`)
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  await cost('warm')
  let [first, second] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  // Whatever else the process does only adds to a round, so the cheapest round of each tells.
  for (let round = 0; round < 8; round += 1) {
    first = Math.min(first, await cost(OTHER.clientId))
    second = Math.min(second, await cost('nobody-else'))
  }
  assert.ok(first < 4 * second && second < 4 * first, `${first} and ${second} µs`)
})

/** Values that some readers take for false and others for true. */
const LOOSE = ['false', 'FALSE', 'False', '0', 'no', 'off', '', 0, 1, 'true', [], {}, ' false']

test('[B18] a value that some readers take for false is refused in place of false, and changes nothing', async () => {
  const user = { id: EVE.id, username: EVE.username }
  for (const value of LOOSE) {
    const before = server.power.writes
    const identity = (line: string, body: unknown): Promise<RawAnswer> =>
      calls.send(line, [`X-Auth-Token: ${root}`, JSON_BODY], JSON.stringify(body))
    const asks: Readonly<Record<string, () => Promise<RawAnswer>>> = {
      'v3 user': () => identity(`PATCH /v3/users/${EVE.id}`, { user: { enabled: value } }),
      'v3 project': () => identity(`PATCH /v3/projects/${EVE.tenant}`, { project: { enabled: value } }),
      'v2.0 user': () => identity(`POST /v2.0/users/${EVE.id}`, { user: { ...user, enabled: value } }),
      'v2.0 tenant': () =>
        identity(`POST /v2.0/tenants/${EVE.tenant}`, { tenant: { name: 'x', enabled: value } }),
      realm: () => calls.control('PATCH /realms/default', { enabled: value }),
      app: () => calls.control('PATCH /chat-apps/acme', { enabled: value }),
      profile: () => calls.control('POST /check-profiles', { name: 'p', withoutAudience: value }),
    }
    for (const [what, ask] of Object.entries(asks)) {
      // v2.0 also accepts the words of XML Schema, with their meaning.
      if (what.startsWith('v2.0') && /^ ?(?:true|false)$/.test(String(value))) continue
      const { status, body } = await ask()
      assert.ok(
        status >= 400 && status < 500,
        `${what}: ${JSON.stringify(value)} is ${status} ${body.toString()}`,
      )
    }
    assert.equal(server.power.writes, before, JSON.stringify(value))
  }
  assert.equal((await calls.identity('GET', root, await calls.identityToken(EVE))).status, 200)
})

test('[B18] a seed file with such a value is refused, and the server does not start', async () => {
  const user = {
    id: '5',
    username: 'x',
    password: 'x-password-0123456789',
    tenantId: '900100',
    roles: ['identity:default'],
  }
  const tenants = [{ id: '900100', name: 'one' }]
  for (const enabled of LOOSE) {
    const seed = { realms: [{ name: 'default', identity: { tenants, users: [{ ...user, enabled }] } }] }
    await assert.rejects(
      openServer({ time: 'hand', seed }),
      { name: 'SettingsRefused' },
      JSON.stringify(enabled),
    )
  }
})

test('[G04] shortening the lifetime drops no revocation of a token with a longer one', async () => {
  const DAY_MS = 86_400_000
  const { access } = await calls.oauthGrant('long-lived')
  const identity = await calls.identityToken(EVE)
  const chat = await calls.chatToken('long-lived')
  await calls.oauthRevoke(SVC, access)
  await calls.identity('DELETE', identity, '')
  await calls.chatRevoke('long-lived', chat)
  const changed = await calls.control('PATCH /settings', { maxLifetimeSeconds: 60 })
  assert.equal(changed.status, 200, changed.body.toString())
  for (const ms of [61_000, 600_000, DAY_MS, 8 * DAY_MS]) {
    server.clock.advance(ms)
    await server.maintenance.tick()
    for (const token of [access, identity, chat]) {
      assert.equal(await calls.isActive(GATEWAY, token), false)
      assert.equal((await calls.send('GET /check', [`Authorization: Bearer ${token}`])).status, 401)
    }
    assert.equal((await calls.chatMe(chat)).status, 401)
  }
})
