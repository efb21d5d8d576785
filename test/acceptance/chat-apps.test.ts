import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTROL, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf } from '../kit/raw-http.ts'
import { CHAT, GATEWAY } from '../kit/seed.ts'

const { server, calls } = await openForFile({ time: 'real' })

const APPS = '/control/v1/chat-apps'

type App = { readonly name: string; readonly apiKey: string; readonly clientKey: string }

async function make(name: string, more: object = {}): Promise<App> {
  const answer = await calls.json(`POST ${APPS}`, { name, ...more })
  assert.equal(answer.status, 201, answer.body.toString())
  return { name, apiKey: textAt(answer, 'apiKey'), clientKey: textAt(answer, 'clientKey') }
}

async function tokenOf({ apiKey }: App): Promise<string> {
  const answer = await calls.json('POST /auths/sign/v2', { id: 'ann' }, [`IM-API-KEY: ${apiKey}`])
  assert.equal(answer.status, 200, answer.body.toString())
  return textAt(answer, 'result', 'token')
}

async function statusOfMe({ clientKey }: App, token: string): Promise<number> {
  return (
    await calls.json('GET /me', undefined, [`IM-CLIENT-KEY: ${clientKey}`, `IM-Authorization: ${token}`])
  ).status
}

/** The text of a stream until it ends. */
async function restOf(reply: Response): Promise<string> {
  return reply.text()
}

test('creating an app shows its keys once, and the app works at once', async () => {
  const app = await make('made', { requestsPerMinute: 600 })
  assert.match(app.apiKey, /^[A-Za-z0-9+/]{43}=$/)
  assert.equal(await statusOfMe(app, await tokenOf(app)), 200)
  const read = await calls.json(`GET ${APPS}/made`)
  assert.deepEqual(jsonOf(read), {
    name: 'made',
    source: 'chat/made',
    enabled: true,
    sandbox: false,
    newerMembers: false,
    tokenLifetimeSeconds: 604_800,
    requestsPerMinute: 600,
  })
  assert.match(headerOf(read, 'etag') ?? '', /^"/)
  assert.equal((await calls.json(`GET ${APPS}`)).body.toString().includes(app.apiKey), false)
})

test('[J09] chosen keys are stored as given, and are not sent back', async () => {
  const keys = { apiKey: 'an-api-key-that-moves-in', clientKey: 'its-client-key' }
  const answer = await calls.json(`POST ${APPS}`, { name: 'moved', ...keys })
  assert.equal(answer.status, 201)
  assert.equal(answer.body.toString().includes('moves-in'), false)
  assert.equal(await statusOfMe({ name: 'moved', ...keys }, await tokenOf({ name: 'moved', ...keys })), 200)
  assert.equal((await calls.json(`POST ${APPS}`, { name: 'moved' })).status, 409)
  assert.equal((await calls.json(`POST ${APPS}`, { name: 'another', apiKey: CHAT.apiKey })).status, 409)
})

test('a disabled app has no valid keys, tokens or streams; once enabled, its keys are valid again', async () => {
  const app = await make('switched')
  const token = await tokenOf(app)
  const stream = await fetch(`${server.url}/admin/revocations`, { headers: { 'IM-API-KEY': app.apiKey } })
  assert.equal(await calls.isActive(GATEWAY, token), true)
  const off = await calls.json(`PATCH ${APPS}/switched`, { enabled: false, reason: 'leaked' })
  assert.deepEqual([off.status, memberAt(off, 'enabled')], [200, false])
  assert.equal(await calls.isActive(GATEWAY, token), false)
  assert.equal(await statusOfMe(app, token), 403)
  assert.equal((await calls.json('GET /auths/tokens', undefined, [`IM-API-KEY: ${app.apiKey}`])).status, 401)
  assert.match(await restOf(stream), /event: revoked-all\ndata: \{"client":null[^]*event: closed/)
  assert.equal((await calls.json(`PATCH ${APPS}/switched`, { enabled: true })).status, 200)
  assert.equal(await statusOfMe(app, token), 401, 'what was ended stays so')
  assert.equal(await statusOfMe(app, await tokenOf(app)), 200)
})

test('a new API key replaces the old one at once, also for streams; tokens stay live', async () => {
  const app = await make('rotated')
  const token = await tokenOf(app)
  const stream = await fetch(`${server.url}/admin/revocations`, { headers: { 'IM-API-KEY': app.apiKey } })
  const apiKey = 'the-next-api-key-0123456789'
  assert.equal((await calls.json(`PATCH ${APPS}/rotated`, { apiKey })).status, 200)
  assert.match(await restOf(stream), /event: closed/)
  assert.equal((await calls.json('GET /auths/tokens', undefined, [`IM-API-KEY: ${app.apiKey}`])).status, 401)
  assert.equal((await calls.json('GET /auths/tokens', undefined, [`IM-API-KEY: ${apiKey}`])).status, 200)
  assert.equal(await statusOfMe(app, token), 200)
  assert.equal((await calls.json(`PATCH ${APPS}/rotated`, { clientKey: apiKey })).status, 422)
  assert.equal((await calls.json(`PATCH ${APPS}/rotated`, { clientKey: CHAT.clientKey })).status, 409)
})

test('settings of an app can be changed and removed', async () => {
  const app = await make('said', { requestsPerMinute: 1, newerMembers: true })
  await tokenOf(app)
  const key = [`IM-API-KEY: ${app.apiKey}`]
  assert.equal((await calls.json('GET /auths/token', undefined, key)).status, 429)
  await calls.json(`PATCH ${APPS}/said`, { requestsPerMinute: null, apiKeySources: ['127.0.0.0/8'] })
  assert.equal((await calls.json('GET /auths/token', undefined, key)).status, 200)
  await calls.json(`PATCH ${APPS}/said`, { apiKeySources: ['10.0.0.0/8'] })
  assert.equal((await calls.json('GET /auths/token', undefined, key)).status, 403)
  const read = jsonOf(await calls.json(`PATCH ${APPS}/said`, { apiKeySources: null })) as Readonly<
    Record<string, unknown>
  >
  assert.deepEqual(
    [read['apiKeySources'], read['requestsPerMinute'], read['newerMembers']],
    [undefined, undefined, true],
  )
  assert.equal((await calls.json('GET /auths/token', undefined, key)).status, 200)
})

test('deleting an app deletes all its records, and its name cannot be used again', async () => {
  const app = await make('short')
  const token = await tokenOf(app)
  assert.equal((await calls.json(`DELETE ${APPS}/short`)).status, 204)
  assert.equal((await calls.json(`DELETE ${APPS}/short`)).status, 404)
  assert.equal((await calls.json(`GET ${APPS}/short`)).status, 404)
  assert.equal(await calls.isActive(GATEWAY, token), false)
  assert.equal(await statusOfMe(app, token), 403)
  assert.equal((await calls.json(`POST ${APPS}`, { name: 'short' })).status, 409)
})

test('invalid app settings are 422, with a message that contains no key', async () => {
  const broken = [
    { name: 'a/b' },
    { name: 'x', apiKey: 'same-key-0123', clientKey: 'same-key-0123' },
    { name: 'x', apiKeySources: ['nowhere'] },
    { name: 'x', verifyUrl: 'ftp://x/' },
    { name: 'x', tokenLifetimeSeconds: 400 * 86_400 + 1 },
    { name: 'x', more: 1 },
  ]
  for (const body of broken) {
    const answer = await calls.json(`POST ${APPS}`, body)
    assert.equal(answer.status, 422, JSON.stringify(body))
    assert.equal(answer.body.toString().includes('same-key'), false)
  }
  await make('whole')
  for (const body of [{ apiKeySources: [] }, { maxLifetimeSeconds: 0 }, { name: 'y' }])
    assert.equal((await calls.json(`PATCH ${APPS}/whole`, body)).status, 422, JSON.stringify(body))
  assert.equal((await calls.json(`PATCH ${APPS}/nobody`, {})).status, 404)
})

test('only admins change apps, and a change based on an older version is refused', async () => {
  await make('guarded')
  const made = await calls.control('POST /keys', { name: 'view', role: 'viewer' })
  const viewer = [`Authorization: Bearer ${textAt(made, 'key')}`]
  assert.equal((await calls.json(`GET ${APPS}/guarded`, undefined, viewer)).status, 200)
  for (const line of [`PATCH ${APPS}/guarded`, `POST ${APPS}`])
    assert.equal((await calls.json(line, { name: 'z' }, viewer)).status, 403)
  assert.equal((await calls.json(`DELETE ${APPS}/guarded`, undefined, viewer)).status, 403)
  const etag = headerOf(await calls.json(`GET ${APPS}/guarded`), 'etag') ?? ''
  const ifMatch = [CONTROL, `If-Match: ${etag}`]
  assert.equal((await calls.json(`PATCH ${APPS}/guarded`, { sandbox: true }, ifMatch)).status, 200)
  assert.equal((await calls.json(`PATCH ${APPS}/guarded`, { sandbox: false }, ifMatch)).status, 412)
})

test('apps are listed by name, a page at a time', async () => {
  const first = await calls.json(`GET ${APPS}?limit=2`)
  const names = memberAt(first, 'chatApps') as readonly { readonly name: string }[]
  assert.equal(names.length, 2)
  const next = await calls.json(`GET ${APPS}?limit=1000&cursor=${encodeURIComponent(textAt(first, 'next'))}`)
  const rest = memberAt(next, 'chatApps') as readonly { readonly name: string }[]
  const all = [...names, ...rest].map(({ name }) => name)
  assert.deepEqual(all, [...all].sort())
  assert.ok(all.includes('acme') && all.includes('rival'))
})
