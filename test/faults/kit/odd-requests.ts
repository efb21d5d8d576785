import type { HttpAsk } from './plain-http.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' }

/** Credentials for requests that would otherwise be refused before their odd part is read. */
export type Keys = {
  readonly chat: string
  readonly control: string
  readonly basic: string
  readonly identity: string
  readonly login: { readonly username: string; readonly password: string }
}

/**
 * Requests that carry a text in unexpected places: in paths, queries, headers, member names, wrong types and broken
 * bodies. Each is refused, or answered without the text. (Not included: a tenant's name beside the right credentials,
 * which the vendor's Identity API repeats in its error.)
 */
export function oddRequests(text: string, keys: Keys): readonly HttpAsk[] {
  return [...inPaths(text, keys), ...inHeaders(text), ...inForms(text, keys), ...inJson(text, keys)]
}

function inPaths(text: string, keys: Keys): HttpAsk[] {
  const part = encodeURIComponent(text)
  const paths = [
    ...[`/${part}`, `/v2.0/${part}`, `/v2.0/tokens/${part}/endpoints`, `/v3/auth/tokens/${part}`],
    ...[`/admin/${part}`, `/admin/clients/${part}/token`, `/admin/clients/c1/${part}`, `/me/${part}`],
    ...[`/api/id/v1/${part}`, `/api/id/v1/auth/token/${part}`, `/control/v1/${part}`, `/realms/${part}/me`],
    ...[`/healthz/${part}`, `/metrics/${part}`, `/realms/${part}`, `/.well-known/${part}`, `/%${part}`],
    ...[`/me?token=${part}`, `/v2.0/tokens?tokenId=${part}`, `/v2.0/tokens/x?belongsTo=${part}`],
    ...[`/api/id/v1/auth/token?token=${part}`, `/control/v1/grants?realm=${part}`, `/metrics?${part}`],
  ]
  const headers = {
    'im-api-key': keys.chat,
    'x-auth-token': keys.identity,
    authorization: `Bearer ${keys.control}`,
  }
  return paths.flatMap((path) =>
    ['GET', 'POST', 'DELETE', 'PATCH'].flatMap((method) => [
      { method, path },
      { method, path, headers },
    ]),
  )
}

function inHeaders(text: string): HttpAsk[] {
  const value = encodeURIComponent(text)
  const headers = [
    ...['authorization', 'x-auth-token', 'im-api-key', 'im-client-key', 'im-authorization', 'api_key'],
    ...['x-subject-token', 'cookie', 'accept', 'content-type', 'x-forwarded-for', 'x-request-id', 'referer'],
  ].map((name): Readonly<Record<string, string>> => ({ [name]: value }))
  const schemes = ['Bearer', 'Basic', 'Token', 'Bearer Bearer'].map((scheme) => ({
    authorization: `${scheme} ${value}`,
  }))
  const routes = [
    ...[
      ['GET', '/me'],
      ['DELETE', '/admin/clients/c1/token'],
      ['POST', '/v2.0/tokens'],
    ],
    ...[
      ['GET', `/v2.0/tokens/abc`],
      ['DELETE', '/v2.0/tokens'],
      ['POST', '/control/v1/grants'],
    ],
    ...[
      ['POST', '/api/id/v1/auth/token'],
      ['POST', '/api/id/v1/auth/token/introspect'],
      ['GET', '/metrics'],
    ],
  ]
  return routes.flatMap(([method = '', path = '']) =>
    [...headers, ...schemes].map((one) => ({
      method,
      path,
      headers: one,
      body: method === 'POST' ? '{}' : '',
    })),
  )
}

function inForms(text: string, { basic }: Keys): HttpAsk[] {
  const part = encodeURIComponent(text)
  const bodies = [
    ...[`client_id=${part}&client_secret=${part}&grant_type=client_credentials`, part, `${part}=x`],
    ...[`grant_type=${part}`, `grant_type=refresh_token&refresh_token=${part}`, `scope=${part}&grant_type=x`],
    ...[`grant_type=client_credentials&scope=${part}`, `token=${part}&token=${part}`, `token=%${part}`],
    ...[`token=${part}&token_type_hint=${part}`, `token=${part}&client_assertion=${part}`],
  ]
  const asks = ['', '/revoke', '/introspect'].flatMap((end) =>
    bodies.map((body) => ({ method: 'POST', path: `/api/id/v1/auth/token${end}`, body })),
  )
  return asks.flatMap((ask) => [
    { ...ask, headers: FORM_TYPE },
    { ...ask, headers: { ...FORM_TYPE, authorization: basic } },
    { ...ask, headers: { ...JSON_TYPE, authorization: basic } },
  ])
}

function inJson(text: string, keys: Keys): HttpAsk[] {
  const { username, password } = keys.login
  const values: unknown[] = [
    ...[{ [text]: 1 }, { token: { [text]: 1 } }, { token: [text] }, { _id: text, [text]: text, mute: text }],
    ...[
      { _id: 'c1', issueAccessToken: text },
      { token: text, expirationDate: text },
      { token: text, more: text },
    ],
    ...[
      { auth: { passwordCredentials: { username: text, password: text } } },
      { auth: { token: { id: text } } },
    ],
    ...[
      { auth: { passwordCredentials: { username, password: text }, [text]: text } },
      { auth: text },
      [text],
      text,
    ],
    ...[{ auth: { passwordCredentials: { username, password }, 'RAX-AUTH:scope': text } }],
    ...[
      { clientId: text, subject: text },
      { clientId: 'svc', subject: 'a', scope: text },
    ],
    ...[{ clientId: 'svc', subject: 'a', [text]: text }, { clientId: [text] }],
  ]
  const quoted = JSON.stringify(text)
  const bodies = [
    ...values.map((value) => JSON.stringify(value)),
    ...[`{"token":${quoted}`, `{"token":${quoted},"token":${quoted}}`, `{${quoted}:1,${quoted}:2}`],
    ...[`{"token":${quoted}}${text}`, `{'token':${quoted}}`, `\ufeff{"token":${quoted}}`, text],
  ]
  const routes = [
    ...[
      ['PUT', '/admin/clients/c1/token'],
      ['DELETE', '/admin/clients/c1/token'],
      ['POST', '/admin/clients'],
    ],
    ...[
      ['POST', '/v2.0/tokens'],
      ['POST', '/control/v1/grants'],
      ['POST', '/control/v1/clock/confirm'],
    ],
  ]
  const opened = { 'im-api-key': keys.chat, authorization: `Bearer ${keys.control}` }
  return routes.flatMap(([method = '', path = '']) =>
    bodies.flatMap((body) => [
      { method, path, body, headers: { ...opened, ...JSON_TYPE } },
      { method, path, body, headers: JSON_TYPE },
    ]),
  )
}
