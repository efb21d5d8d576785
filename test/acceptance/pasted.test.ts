import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { Provider } from '../kit/provider.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { ANN, SEED, SVC } from '../kit/seed.ts'

// [W49] A token that exists must not be reported unknown because of characters that copying put around it. [W46]: text
// that a page says is accepted must be accepted.

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'
const { server, calls } = await openForFile({
  time: 'hand',
  seed: SEED,
  flags: ['--allow-internal-fetch', '--control-rate', '0', '--identity-rate', '0'],
})
let idp: Provider
let count = 0

before(async () => {
  idp = await Provider.open('https://idp.example/', () => server.clock.wallMs() / 1_000)
  await calls.control('POST /issuers', { issuer: idp.issuer, jwksUrl: idp.jwksUrl })
})

after(() => idp.close())

const folded = (text: string, width: number): string =>
  text.replaceAll(new RegExp(`.{${width}}`, 'g'), '$&\n')

/** How people paste a token. */
const PASTES: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => ` ${text}`,
  (text) => `${text}\n`,
  (text) => `\t${text} \r\n`,
  (text) => `Bearer ${text}`,
  (text) => `bearer  ${text} `,
  (text) => `Authorization: Bearer ${text}`,
  (text) => `"Authorization": "Bearer ${text}",`,
  (text) => `X-Auth-Token: ${text}`,
  (text) => `IM-Authorization: ${text}`,
  (text) => `"${text}"`,
  (text) => `'${text}',`,
  (text) => `\`${text}\``,
  (text) => `<${text}>`,
  (text) => `token=${text}`,
  (text) => `access_token: "${text}"`,
  (text) => `{"token":"${text}"}`,
  (text) => `secret-token:${text}`,
  (text) => `\u200b${text}\ufeff`,
  (text) => folded(text, 20),
  (text) => folded(text, 30).replaceAll('\n', '\r\n  '),
  (text) => `Bearer ${folded(text, 25)}`,
]

/** A token of every kind, and one that an app chose. */
async function tokens(): Promise<Readonly<Record<string, string>>> {
  const { access, refresh } = await calls.oauthGrant('ann', SVC)
  return {
    'OAuth access': access,
    'OAuth refresh': refresh,
    Identity: await calls.identityToken(ANN),
    chat: await calls.chatToken('ann'),
    bound: await calls.chatBound('bea', `chosen-text-${(count += 1)}-0123456789`),
    'an issuer’s': await idp.sign({ jti: `j-${(count += 1)}` }),
  }
}

const isJwt = (text: string): boolean => text.startsWith('ey')

test('[W49] a pasted token is found in every form, or a JWT reported as loosely spelled: never "no such token"', async () => {
  for (const [kind, text] of Object.entries(await tokens()))
    for (const paste of PASTES) {
      const answer = await calls.control('POST /tokens/lookup', { token: paste(text) })
      if (answer.status === 422 && isJwt(text)) {
        assert.match(textAt(answer, 'detail'), /looks like a JWT with something around it/)
        continue
      }
      assert.equal(answer.status, 200, `${kind}, ${JSON.stringify(paste(text))}: ${answer.body.toString()}`)
      assert.equal(textAt(answer, 'state'), 'active')
    }
})

test('[W49] a pasted token is revoked, previewed and held as the same token', async () => {
  for (const paste of [
    (text: string) => `Bearer ${text}`,
    (text: string) => (isJwt(text) ? text : ` ${folded(text, 30)}`),
  ]) {
    for (const [kind, text] of Object.entries(await tokens())) {
      const target = { token: paste(text) }
      const shown = await calls.control('POST /revocations', { target, reason: 'r', dryRun: true })
      assert.equal(shown.status, 200, `${kind}: ${shown.body.toString()}`)
      const hold = await calls.control('POST /holds', {
        target,
        reason: 'r',
        seconds: 60,
        atDeadline: 'release',
      })
      assert.equal(hold.status, 201, `${kind}: ${hold.body.toString()}`)
      assert.equal((await calls.control('POST /revocations', { target, reason: 'r' })).status, 201, kind)
      assert.equal(
        textAt(await calls.control('POST /tokens/lookup', { token: text }), 'state'),
        'revoked',
        kind,
      )
    }
  }
})

test('[W49] a handle is also accepted where a token is asked for', async () => {
  const handle = textAt(
    await calls.control('POST /tokens/lookup', { token: (await tokens())['chat'] }),
    'facts',
    'handle',
  )
  for (const text of [handle, ` ${handle}\n`, `jti: ${handle}`])
    assert.equal(
      memberAt(await calls.control('POST /tokens/lookup', { token: text }), 'facts', 'handle'),
      handle,
      text,
    )
})

test("[W49] a client secret with the realm's prefix is reported as one", async () => {
  assert.equal((await calls.control('PUT /token-prefixes', { clientSecret: 'acme_cs_' })).status, 200)
  const made = await calls.control('POST /clients', { clientId: 'own', grantTypes: ['client_credentials'] })
  for (const token of [textAt(made, 'clientSecret'), `rsk_${'0'.repeat(36)}`]) {
    const answer = await calls.control('POST /tokens/lookup', { token: `Bearer ${token}` })
    assert.equal(answer.status, 422, answer.body.toString())
    assert.match(textAt(answer, 'detail'), /form of a client secret/)
  }
  assert.equal((await calls.control('PUT /token-prefixes', {})).status, 200)
})

test('[W49] text that is not a token here is reported by its form', async () => {
  const { 'OAuth access': access = '', Identity: identity = '' } = await tokens()
  const foreign = await idp.sign({ iss: 'https://somebody.example' })
  for (const [token, status, words] of [
    [access.slice(0, -1), 422, /checksum is wrong/],
    [`Bearer ${access.slice(0, 20)}`, 422, /checksum is wrong/],
    [foreign, 404, /JWT that names the issuer "https:\/\/somebody\.example"/],
    [`Bearer ${foreign}`, 404, /issuer "https:\/\/somebody\.example"/],
    ['rsc_0123456789012345678901234567890123456', 422, /form of a control key/],
    ['Authorization: Bearer rsv_012345678901234567890123456789012345', 422, /form of a verifier key/],
    [`${access} ${identity}`, 422, /several tokens/],
    ['never seen', 404, /^no such token$/],
    [' ', 404, /^no such token$/],
    ['x'.repeat(8_193), 422, /longer than/],
    [` ${foreign}`, 422, /looks like a JWT with/],
    [`Bearer ${foreign}\n`, 422, /looks like a JWT with/],
  ] as const) {
    const answer = await calls.control('POST /tokens/lookup', { token })
    assert.equal(answer.status, status, `${token}: ${answer.body.toString()}`)
    assert.match(textAt(answer, 'detail'), words)
    assert.equal(
      (await calls.control('POST /revocations', { target: { token }, reason: 'r' })).status,
      status,
      token,
    )
  }
})

test('[W49] the exact text takes precedence, because an app may have chosen one that begins with a scheme', async () => {
  const plain = await calls.chatBound('two', 'one-text-0123456789')
  await calls.chatBound('three', `Bearer ${plain}`)
  const clientOf = async (token: string): Promise<unknown> =>
    memberAt(await calls.control('POST /tokens/lookup', { token }), 'facts', 'client')
  assert.deepEqual([await clientOf(`Bearer ${plain}`), await clientOf(plain)], ['three', 'two'])
})

test('[W49] [W85] a token pasted into a name is refused, because the rule would hit nothing and store its text', async () => {
  const { 'OAuth access': access = '' } = await tokens()
  const foreign = await idp.sign({ sub: 'ann' })
  const at = server.clock.wallMs() + 3_600_000
  for (const text of [access, `Bearer ${access}`, ` ${access}\n`, foreign, `Bearer ${foreign}`]) {
    for (const target of [
      { source: 'oauth', subject: text },
      { source: 'oauth', client: text },
      { source: 'oauth', tenant: text },
      { source: 'oauth', subject: 'ann', client: text },
      { source: 'identity', session: text },
      { grant: text },
      { issuer: idp.issuer, jti: text },
    ]) {
      for (const [path, more] of [
        ['/revocations', {}],
        ['/holds', { seconds: 60, atDeadline: 'release' }],
        ['/revocations/scheduled', { at: new Date(at).toISOString() }],
      ] as const) {
        const answer = await calls.control(`POST ${path}`, { target, reason: 'r', ...more })
        assert.equal(answer.status, 422, `${path} ${JSON.stringify(target)}`)
      }
    }
  }
  const named = { issuer: idp.issuer, jti: 'tok_AAAAAAAAAAAAAAAAAAAAAA' }
  assert.equal((await calls.control('POST /revocations', { target: named, reason: 'r' })).status, 201)
})

test('[W49] a verifier’s question is about the exact text, because it decides on access', async () => {
  const { 'OAuth access': access = '' } = await tokens()
  for (const headers of [[VERIFIER], [CONTROL]]) {
    const answer = await calls.control('POST /verify', { token: `Bearer ${access}` }, headers)
    assert.equal(memberAt(answer, 'verdict', 'kind'), 'inactive')
    assert.match(textAt(answer, 'detail'), /judged as it came/)
  }
})

test('[W46] the page’s own Idempotency-Key is accepted and works', async () => {
  const body = JSON.stringify({ target: { source: 'oauth', subject: 'nobody' }, reason: 'r' })
  for (const key of ['"any text of up to 255 characters"', 'incident 42: "leak"', 'größer als 9']) {
    const ask = (): Promise<RawAnswer> => {
      const header = `Idempotency-Key: ${Buffer.from(key, 'utf8').toString('latin1')}`
      return calls.send('POST /control/v1/revocations', [CONTROL, JSON_BODY, header], body)
    }
    const [first, second] = [await ask(), await ask()]
    assert.deepEqual([first.status, second.status], [201, 201], first.body.toString())
    assert.equal(textAt(first, 'id'), textAt(second, 'id'), key)
  }
})
