import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSeed } from '../seed/schema.ts'
import { MODULES } from './modules.ts'
import { tellsSecrets } from './published.ts'

const PARTS = MODULES.flatMap(({ seed }) => seed ?? [])
const ELSEWHERE = { env: 'NAME' }

/** Every member of a seed file that may be a secret, in a realm that has this one. */
const KINDS: Readonly<Record<string, (secret: unknown) => object>> = {
  'the key of a verifier': (key) => ({ verifiers: [{ name: 'a', key }] }),
  'the secret of an OAuth client': (clientSecret) => ({
    oauthClients: [{ clientId: 'a', clientSecret, grantTypes: ['client_credentials'] }],
  }),
  'the API key of a chat app': (apiKey) => ({ chatApps: [{ name: 'a', apiKey, clientKey: ELSEWHERE }] }),
  'the client key of a chat app': (clientKey) => ({
    chatApps: [{ name: 'a', apiKey: ELSEWHERE, clientKey }],
  }),
  'the password of a user': (password) => userWith({ password }),
  'the API key of a user': (apiKey) => userWith({ apiKey }),
  'the second factor of a user': (totp) => userWith({ mfa: { totp } }),
  'the secret of an application credential': (secret) => ({
    identity: {
      applicationCredentials: [{ id: 'a', name: 'a', userId: 'u', tenantId: 't', secret, roles: ['r'] }],
    },
  }),
}

const URLS: Readonly<Record<string, (url: string) => object>> = {
  'the verifyUrl of a chat app': (verifyUrl) => ({
    chatApps: [{ name: 'a', apiKey: ELSEWHERE, clientKey: ELSEWHERE, verifyUrl }],
  }),
  'the chatVerifyUrl of a realm': (chatVerifyUrl) => ({ chatVerifyUrl }),
}

function userWith(members: object): object {
  return { identity: { users: [{ id: 'u', username: 'u', ...members }] } }
}

/** Whether a file tells secrets whose first realm has none, and whose second one has these members. */
function tells(members: object): boolean {
  const realms = [{ name: 'default' }, { name: 'other', ...members }]
  const parsed = parseSeed({ realms }, PARTS)
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.why)
  return tellsSecrets(parsed.seed)
}

for (const [what, realm] of Object.entries(KINDS))
  test(`a seed file tells ${what} when its text is in it, and is not public`, () => {
    assert.equal(tells(realm('a-secret-of-the-tests-01')), true)
    for (const other of [ELSEWHERE, { file: 'a-secret.txt' }, 'NOT-A-SECRET-of-the-tests'])
      assert.equal(tells(realm(other)), false, JSON.stringify(other))
  })

for (const [what, realm] of Object.entries(URLS))
  test(`a seed file tells a secret in ${what}`, () => {
    for (const url of ['https://app.example/verify?code=abc', 'https://app.example/hooks/T0123456789abc'])
      assert.equal(tells(realm(url)), true, url)
    assert.equal(tells(realm('https://app.example/v1/verify')), false)
  })

test('one secret among public ones is told', () => {
  const verifiers = ['NOT-A-SECRET-one', 'a-secret-of-the-tests-01', 'NOT-A-SECRET-two']
  assert.equal(tells({ verifiers: verifiers.map((key, nth) => ({ name: `v${nth}`, key })) }), true)
})

test('a secret of a wrong length is refused with its length', () => {
  const why = (key: string): string => {
    const parsed = parseSeed({ realms: [{ name: 'default', verifiers: [{ name: 'a', key }] }] }, PARTS)
    return parsed.ok ? '' : parsed.why
  }
  assert.match(why(''), /^realms\.0\.verifiers\.0\.key: .*1 character/)
  assert.match(why('x'.repeat(513)), /^realms\.0\.verifiers\.0\.key: .*512 characters/)
})
