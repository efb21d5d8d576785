import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Calls, CONTROL, JSON_BODY, jsonOf, memberAt, textAt } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import { headerOf } from '../kit/raw-http.ts'

// [W42] An unknown verdict must not be told as "no" in one place and as a bare outage in another, without advice.

const ISSUER = 'https://away.example/'

const { server, calls } = await openForFile({
  time: 'hand',
  flags: ['--allow-internal-fetch', '--control-rate', '0'],
})
let idp: Provider
let id: string

before(async () => {
  idp = await Provider.open(ISSUER, () => server.clock.wallMs() / 1_000)
  idp.broken = 500
  id = textAt(await calls.control('POST /issuers', { issuer: ISSUER, jwksUrl: idp.jwksUrl }), 'id')
})

after(() => idp.close())

type Fetch = Readonly<Record<string, unknown>>
const fetchOf = async (): Promise<Fetch> =>
  memberAt(await calls.control(`GET /issuers/${id}`), 'fetch') as Fetch

test('[W42] an issuer whose keys were never requested says so', async () => {
  assert.deepEqual(await fetchOf(), { state: 'waiting' })
})

test('[W42] a token that cannot be judged gets the same words everywhere, with advice', async () => {
  const token = await idp.sign({ jti: 'j-1' })
  const words = `it cannot be judged now, because the keys of its issuer ${ISSUER} are unavailable; the target ${JSON.stringify(
    { issuer: ISSUER, jti: 'j-1' },
  )} revokes it without them`
  for (const [path, body] of [
    ['/tokens/lookup', { token }],
    ['/revocations', { target: { token }, reason: 'r' }],
    ['/revocations', { target: { token }, reason: 'r', dryRun: true }],
    ['/holds', { target: { token }, reason: 'r', seconds: 60, atDeadline: 'release' }],
    [
      '/revocations/scheduled',
      { target: { token }, reason: 'r', at: new Date(server.clock.wallMs() + 60_000).toISOString() },
    ],
  ] as const) {
    const answer = await calls.control(`POST ${path}`, body)
    assert.equal(answer.status, 503, `${path}: ${answer.body.toString()}`)
    assert.equal(memberAt(answer, 'detail'), `token: ${words}`, path)
    assert.ok(Number(headerOf(answer, 'retry-after')) > 0)
  }
  const verified = await calls.control('POST /verify', { token })
  assert.deepEqual([memberAt(verified, 'verdict', 'kind'), memberAt(verified, 'detail')], ['unknown', words])
  const bulk = await calls.send(
    'POST /control/v1/revocations/bulk',
    [CONTROL, 'Content-Type: text/plain'],
    token,
  )
  assert.ok(bulk.body.toString().includes(JSON.stringify(words).slice(1, -1)), bulk.body.toString())
})

test('[W42] a token without jti is named by its signing input, and one with an invalid jti is not', async () => {
  const silent = memberAt(
    await calls.control('POST /tokens/lookup', { token: await idp.sign({ jti: undefined }) }),
    'detail',
  )
  const name = /"jti":"(sha256:[\w-]+)"/.exec(String(silent))?.[1] ?? assert.fail(String(silent))
  const revoked = await calls.control('POST /revocations', {
    target: { issuer: ISSUER, jti: name },
    reason: 'r',
  })
  assert.equal(revoked.status, 201, revoked.body.toString())
  const odd = memberAt(
    await calls.control('POST /tokens/lookup', { token: await idp.sign({ jti: '' }) }),
    'detail',
  )
  assert.match(String(odd), /its ids cannot be read either$/)
})

test('[W42] the advice works: the token is dead when its issuer is back', async () => {
  const token = await idp.sign({ jti: 'j-2' })
  const target = { issuer: ISSUER, jti: 'j-2' }
  assert.equal((await calls.control('POST /revocations', { target, reason: 'r' })).status, 201)
  assert.equal((await fetchOf())['state'], 'away')
  idp.broken = undefined
  server.clock.advance(11_000)
  assert.equal(textAt(await calls.control('POST /tokens/lookup', { token }), 'state'), 'revoked')
})

test('[W42] an issuer shows the state of fetching its keys, also in the list', async () => {
  const good = await fetchOf()
  assert.deepEqual([good['state'], good['keys'], good['lastError']], ['good', 1, undefined])
  idp.broken = 404
  server.clock.advance(301_000)
  const at = new Date(server.clock.wallMs()).toISOString()
  await calls.control('POST /verify', { token: await idp.sign({ jti: 'late' }) })
  // A newer key set is fetched during the check, because a token of an unknown key waits for it.
  await idp.rotate('unknown')
  await calls.control('POST /verify', { token: await idp.sign({ jti: 'later' }) })
  const { issuers } = jsonOf(await calls.control('GET /issuers')) as { issuers: readonly { fetch: Fetch }[] }
  const { state, lastError, failedAt, fetchedAt } = issuers[0]?.fetch ?? {}
  assert.deepEqual([state, lastError, failedAt], ['failing', 'status 404', at])
  assert.ok(String(fetchedAt) < at)
  server.clock.advance(86_400_000)
  assert.equal((await fetchOf())['state'], 'away')
})

test('[W42] given keys are not fetched, and no fetch state is shown', async () => {
  const given = await calls.control('POST /issuers', { issuer: 'https://given.example', keys: [idp.jwk] })
  assert.equal(memberAt(given, 'fetch'), undefined)
})

test('[W42] an address that will never be fetched is 422 and says why', async () => {
  const own = await openServer({ time: 'hand' })
  const outside = new Calls(own.port)
  try {
    for (const jwksUrl of [
      ...[
        'https://127.0.0.1/k',
        'https://localhost/k',
        'https://[::1]/k',
        'https://10.0.0.1/k',
        'https://0x7f.1/k',
      ],
      ...[
        'https://169.254.169.254/k',
        'http://idp.example/k',
        'https://user@idp.example/k',
        'https://a.localhost./k',
      ],
      ...['https://[::ffff:7f00:1]/k', 'ftp://idp.example/k'],
    ]) {
      const body = JSON.stringify({ issuer: 'https://idp.example', jwksUrl })
      const answer = await outside.send('POST /control/v1/issuers', [CONTROL, JSON_BODY], body)
      assert.equal(answer.status, 422, jwksUrl)
      assert.match(textAt(answer, 'detail'), /never be fetched/, jwksUrl)
    }
  } finally {
    outside.close()
    await own.close()
  }
})
