import { ANN, CHAT, ROOT } from '../../kit/seed.ts'
import type { Asked, Client, OauthWorld } from '../../kit/world-oauth.ts'

/** A place where a credential is exchanged for another one, or lets its bearer act. */
export type Trade = {
  readonly name: string
  /** The credentials that it is for; others must get nothing. */
  readonly takes: readonly string[]
  readonly open: (credential: string) => Promise<Asked>
}

export type TradeParts = {
  readonly world: OauthWorld
  /** The owner of the secret, refresh tokens and codes, and a client that may exchange. */
  readonly shop: Client
  readonly trader: Client
  /** A user whose password was right and who must still give a passcode. */
  readonly half: { readonly session: string; readonly userId: string }
  /** Valid credentials to send beside the presented one. */
  readonly beside: {
    readonly chat: string
    readonly operator: string
    readonly access: string
    readonly appCredential: string
  }
}

const IDENTITY = ['Identity token', 'impersonation token']
const ACCESS = [
  ...['access token', 'access token (JWT)', 'access token for another', 'JWT for another'],
  ...['JWT for nobody in particular', 'exchanged token', 'exchanged JWT'],
]

/** Every such place of the dialects and of the control API. */
export function allTrades(parts: TradeParts): readonly Trade[] {
  return [...ofChat(parts), ...ofIdentity(parts), ...ofV3(parts), ...ofOauth(parts), ...ofControl(parts)]
}

function ofChat({ world, beside }: TradeParts): readonly Trade[] {
  return [
    {
      name: 'IM-API-KEY',
      takes: ['chat API key', 'older chat API key'],
      open: (text) => get(world, '/admin/clients', { 'im-api-key': text }),
    },
    {
      name: 'IM-CLIENT-KEY',
      takes: ['chat client key'],
      open: (text) => get(world, '/me', { 'im-client-key': text, 'im-authorization': beside.chat }),
    },
    {
      name: 'IM-Authorization',
      takes: ['chat token', 'assigned chat text'],
      open: (text) => get(world, '/me', { 'im-client-key': CHAT.clientKey, 'im-authorization': text }),
    },
  ]
}

function ofIdentity({ world, beside, half }: TradeParts): readonly Trade[] {
  const login = (auth: object, headers: Readonly<Record<string, string>> = {}): Promise<Asked> =>
    post(world, '/v2.0/tokens', { auth }, headers)
  return [
    {
      name: 'X-Auth-Token of v2.0',
      takes: IDENTITY,
      open: (text) => get(world, `/v2.0/users/${ANN.id}`, { 'x-auth-token': text }),
    },
    {
      name: 'a password of v2.0',
      takes: ['password'],
      open: (password) => login({ passwordCredentials: { username: ANN.username, password } }),
    },
    {
      name: 'an API key of v2.0',
      takes: ['API key'],
      open: (apiKey) => login({ 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey } }),
    },
    {
      name: 'a token of v2.0',
      takes: IDENTITY,
      open: (id) => login({ token: { id }, tenantId: ANN.tenant }),
    },
    {
      name: 'X-SessionId',
      takes: [],
      open: (text) =>
        login({ 'RAX-AUTH:passcodeCredentials': { passcode: '000000' } }, { 'x-sessionid': text }),
    },
    {
      name: 'a passcode of v2.0',
      takes: [],
      open: (passcode) =>
        login({ 'RAX-AUTH:passcodeCredentials': { passcode } }, { 'x-sessionid': half.session }),
    },
    {
      name: 'the old password of v2.0',
      // The right one sets a new password, which would end the other credentials.
      takes: [],
      open: (password) =>
        post(world, '/v2.0/users/RAX-AUTH/change-pwd', {
          'RAX-AUTH:changePasswordCredentials': {
            username: ROOT.username,
            password,
            newPassword: 'a-new-one-0123',
          },
        }),
    },
    {
      name: 'a token for a new password',
      takes: [],
      open: (text) =>
        post(
          world,
          '/v2.0/users/RAX-AUTH/pwd-reset',
          { 'RAX-AUTH:passwordReset': { newPassword: 'a-new-one-0123' } },
          { 'x-auth-token': text },
        ),
    },
    {
      name: 'a token that an operator asks about',
      takes: IDENTITY,
      open: (text) => get(world, `/v2.0/tokens/${encodeURIComponent(text)}`, operator(beside)),
    },
  ]
}

function ofV3({ world, beside, half }: TradeParts): readonly Trade[] {
  const login = (identity: object): Promise<Asked> =>
    post(world, '/v3/auth/tokens', { auth: { identity, scope: 'unscoped' } })
  return [
    {
      name: 'X-Auth-Token of v3',
      takes: IDENTITY,
      open: (text) => get(world, `/v3/users/${ANN.id}`, { 'x-auth-token': text }),
    },
    {
      name: 'X-Subject-Token',
      takes: IDENTITY,
      open: (text) => get(world, '/v3/auth/tokens', { ...operator(beside), 'x-subject-token': text }),
    },
    {
      name: 'a password of v3',
      takes: ['password'],
      open: (password) => login({ methods: ['password'], password: { user: { id: ANN.id, password } } }),
    },
    {
      name: 'a token of v3',
      takes: IDENTITY,
      open: (id) => login({ methods: ['token'], token: { id } }),
    },
    {
      name: 'the secret of an application credential',
      takes: ['secret of an application credential'],
      open: (secret) =>
        post(world, '/v3/auth/tokens', {
          auth: {
            identity: {
              methods: ['application_credential'],
              application_credential: { id: beside.appCredential, secret },
            },
          },
        }),
    },
    {
      name: 'a passcode of v3',
      takes: [],
      open: (passcode) => login({ methods: ['totp'], totp: { user: { id: half.userId, passcode } } }),
    },
    {
      name: 'the old password of v3',
      takes: [],
      open: (original) =>
        post(world, `/v3/users/${ROOT.id}/password`, {
          user: { password: 'a-new-one-0123', original_password: original },
        }),
    },
  ]
}

function ofOauth({ world, shop, trader, beside }: TradeParts): readonly Trade[] {
  const grant = { grant_type: 'client_credentials' }
  const { clientId } = shop
  return [
    { name: 'a code', takes: ['authorization code'], open: (code) => world.redeem(shop, code) },
    {
      name: 'a refresh token',
      takes: ['refresh token', 'rotated refresh token'],
      open: (text) => world.refresh(shop, text),
    },
    // Too many wrong secrets lock a client out.
    {
      name: 'a client secret in the header',
      takes: ['client secret'],
      open: (clientSecret) => world.token({ clientId, clientSecret }, grant),
    },
    {
      name: 'a client secret in the body',
      takes: ['client secret'],
      open: (secret) => world.token(undefined, { ...grant, client_id: clientId, client_secret: secret }),
    },
    { name: 'a subject token', takes: ACCESS, open: (text) => world.exchange(trader, text) },
    {
      name: 'an actor token',
      takes: ACCESS,
      open: (text) =>
        world.exchange(trader, beside.access, {
          actor_token: text,
          actor_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        }),
    },
  ]
}

function ofControl({ world }: TradeParts): readonly Trade[] {
  const bearer = (text: string): Readonly<Record<string, string>> => ({ authorization: `Bearer ${text}` })
  return [
    {
      name: 'a control key',
      takes: ['control key', 'first control key'],
      open: (text) => get(world, '/control/v1/clients', bearer(text)),
    },
    {
      name: 'a verifier key',
      takes: ['verifier key', 'verifier key of the seed', 'older verifier key'],
      open: (text) => get(world, '/control/v1/feed/config', bearer(text)),
    },
  ]
}

function operator({ operator: token }: TradeParts['beside']): Readonly<Record<string, string>> {
  return { 'x-auth-token': token }
}

function get(world: OauthWorld, path: string, headers: Readonly<Record<string, string>>): Promise<Asked> {
  return world.send(path, { headers: inBytes(headers) })
}

function post(
  world: OauthWorld,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const typed = { 'content-type': 'application/json', ...inBytes(headers) }
  return world.send(path, { method: 'POST', headers: typed, body: JSON.stringify(body) })
}

/** Headers are bytes, so other characters are sent as UTF-8. */
function inBytes(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, text]) => [name, Buffer.from(text).toString('latin1')]),
  )
}
