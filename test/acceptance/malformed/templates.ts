import { API_KEY, basic, CLIENT_KEY, CONTROL, FORM_BODY, JSON_BODY, OAUTH } from '../../kit/calls.ts'
import { type RequestParts, requestBytes } from '../../kit/raw-http.ts'
import { ANN, SVC } from '../../kit/seed.ts'
import { TOY_KEY } from '../../kit/toy-dialect/hostile.ts'
import type { Shape } from './shapes.ts'
import { type HostileWorld, VICTIM } from './world.ts'

/** A request that would be answered 2xx as it is. */
export type Template = {
  readonly shape: Shape
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body?: string
}

export function bytesOf({ method, target, headers, body }: Template, more: readonly string[] = []): Buffer {
  const parts: RequestParts = { line: `${method} ${target} HTTP/1.1`, headers: [...headers, ...more] }
  return requestBytes(body === undefined ? parts : { ...parts, body })
}

/** Every route, with valid credentials, aimed at the victims' tokens. */
export function victimTemplates({ victims }: HostileWorld): readonly Template[] {
  const chat = { shape: 'chat', headers: [API_KEY, JSON_BODY] } as const
  const identity = { shape: 'identity', headers: [`X-Auth-Token: ${victims.root}`] } as const
  const oauth = { shape: 'oauth', method: 'POST', headers: [basic(SVC), FORM_BODY] } as const
  const clientToken = `/admin/clients/${VICTIM}/token`
  const login = { auth: { 'RAX-KSKEY:apiKeyCredentials': { username: ANN.username, apiKey: ANN.apiKey } } }
  return [
    { ...chat, method: 'DELETE', target: clientToken, body: JSON.stringify({ token: victims.assigned }) },
    { ...chat, method: 'DELETE', target: `${clientToken}/`, body: '{}' },
    { ...chat, method: 'PUT', target: clientToken, body: JSON.stringify({ token: 'one-more' }) },
    {
      ...chat,
      method: 'POST',
      target: '/admin/clients',
      body: JSON.stringify({ _id: VICTIM, nickname: 'changed', issueAccessToken: true }),
    },
    ...chatTemplates(victims),
    {
      shape: 'identity',
      method: 'POST',
      target: '/v2.0/tokens',
      headers: [JSON_BODY],
      body: JSON.stringify(login),
    },
    { ...identity, method: 'GET', target: `/v2.0/tokens/${victims.eve}` },
    { ...identity, method: 'DELETE', target: `/v2.0/tokens/${victims.eve}` },
    { ...identity, method: 'DELETE', target: '/v2.0/tokens' },
    { ...identity, method: 'DELETE', target: `/v2.0/tokens?tokenId=${victims.eve}` },
    { ...oauth, target: OAUTH, body: 'grant_type=client_credentials' },
    { ...oauth, target: OAUTH, body: `grant_type=refresh_token&refresh_token=${victims.refresh}` },
    { ...oauth, target: `${OAUTH}/revoke`, body: `token=${victims.access}` },
    { ...oauth, target: `${OAUTH}/introspect`, body: `token=${victims.access}` },
    {
      shape: 'problem',
      method: 'POST',
      target: '/control/v1/grants',
      headers: [CONTROL, JSON_BODY],
      body: JSON.stringify({ clientId: SVC.clientId, subject: VICTIM }),
    },
    ...toyTemplates(victims),
    ...ruleTemplates(victims),
  ]
}

function toyTemplates({ toy }: HostileWorld['victims']): readonly Template[] {
  const post = { shape: 'toy', method: 'POST' } as const
  return [
    { ...post, target: '/toy/login', headers: [TOY_KEY] },
    { ...post, target: '/toy/revoke', headers: [TOY_KEY, JSON_BODY], body: JSON.stringify({ token: toy }) },
    { shape: 'toy', method: 'GET', target: '/toy/me', headers: [`X-Toy-Token: ${toy}`] },
  ]
}

/** Rules over the victim, in several forms. */
function ruleTemplates({ access, refresh }: HostileWorld['victims']): readonly Template[] {
  const post = (target: string, value: object): Template => {
    const body = JSON.stringify({ reason: 'r', ...value })
    return {
      shape: 'problem',
      method: 'POST',
      target: `/control/v1/${target}`,
      headers: [CONTROL, JSON_BODY],
      body,
    }
  }
  const subject = { source: 'oauth', subject: VICTIM }
  return [
    post('revocations', { target: subject }),
    post('revocations?realm=default', { target: { token: access } }),
    post('revocations', { target: { realm: true }, issuedBefore: '2026-03-01T12:00:00Z' }),
    post('holds', { target: { token: refresh }, seconds: 60, atDeadline: 'revoke' }),
    post('approvals', { target: subject }),
  ]
}

/** The rest of the chat dialect. Calls that end tokens would end the victim's, if they were not malformed. */
function chatTemplates({ chat: token, assigned }: HostileWorld['victims']): readonly Template[] {
  const admin = { shape: 'chat', headers: [API_KEY, JSON_BODY] } as const
  const user = { shape: 'chat', headers: [CLIENT_KEY, `IM-Authorization: ${token}`] } as const
  const withBody = { ...user, headers: [...user.headers, JSON_BODY] }
  const post = (target: string, value: unknown): Template => {
    return { ...admin, method: 'POST', target, body: JSON.stringify(value) }
  }
  return [
    { ...admin, headers: [API_KEY], method: 'GET', target: '/admin/clients' },
    { ...admin, method: 'DELETE', target: `/admin/clients/${VICTIM}`, body: '{}' },
    { ...admin, headers: [API_KEY], method: 'GET', target: '/auths/token' },
    { ...admin, headers: [API_KEY], method: 'GET', target: '/auths/tokens' },
    post('/admin/clients/list', { data: [{ _id: VICTIM }] }),
    post('/auths/sign', { id: VICTIM }),
    post('/auths/sign/v2', { id: VICTIM }),
    post('/sign', { id: VICTIM }),
    post('/verify', { token: assigned }),
    post('/badges/', { tokens: [token] }),
    { ...user, method: 'GET', target: '/me' },
    { ...withBody, method: 'POST', target: '/me', body: JSON.stringify({ nickname: 'changed' }) },
    { ...withBody, method: 'POST', target: '/me/logout', body: '{}' },
    { ...withBody, method: 'POST', target: '/me/logout-others/', body: '{}' },
  ]
}

/** Members for facts that a caller must not set. Other systems merged them over known facts, and so believed them. */
export const HOSTILE_MEMBERS: readonly string[] = [
  'target',
  'user_id',
  'client_id',
  'tenant',
  'is_admin',
  'roles',
  'constructor',
  'toString',
]
