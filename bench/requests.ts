import { CHAT, CLIENT } from './seed.ts'

/** The actions that a server can be measured by. */
export type Action = 'issue' | 'introspect' | 'revoke' | 'check' | 'validate' | 'me'
/** The path of each action; an action without a path is not measured. */
export type Paths = Readonly<Partial<Record<Action, string>>>
/** A token, and the token of the caller where the action needs one. */
export type Credentials = { readonly token: string; readonly caller?: string }

const BASIC = `Authorization: Basic ${Buffer.from(`${CLIENT.clientId}:${CLIENT.clientSecret}`).toString('base64')}`
const FORM = 'Content-Type: application/x-www-form-urlencoded'
const ISSUE = { grant_type: 'client_credentials', scope: 'read' }

export function requestFor(action: Action, path: string, { token, caller = '' }: Credentials): Buffer {
  switch (action) {
    case 'issue':
      return requestBytes(`POST ${path}`, [BASIC, FORM], String(new URLSearchParams(ISSUE)))
    case 'introspect':
    case 'revoke':
      return requestBytes(`POST ${path}`, [BASIC, FORM], String(new URLSearchParams({ token })))
    case 'check':
      return requestBytes(`GET ${path}`, [`Authorization: Bearer ${token}`])
    case 'validate':
      return requestBytes(`GET ${path}/${token}`, [`X-Auth-Token: ${caller}`, 'Accept: application/json'])
    case 'me':
      return requestBytes(`GET ${path}`, [`IM-CLIENT-KEY: ${CHAT.clientKey}`, `IM-Authorization: ${token}`])
  }
}

export function jsonPost(path: string, headers: readonly string[], body: unknown): Buffer {
  return requestBytes(`POST ${path}`, [...headers, 'Content-Type: application/json'], JSON.stringify(body))
}

function requestBytes(line: string, headers: readonly string[], body?: string): Buffer {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [`${line} HTTP/1.1`, 'Host: 127.0.0.1', ...headers, ...length, '', body ?? '']
  return Buffer.from(lines.join('\r\n'), 'latin1')
}
