import { CONTROL_KEY } from '../../kit/server.ts'
import type { Calls } from '../kit/calls.ts'
import type { HttpAnswer } from '../kit/plain-http.ts'
import { type Scope, type Token } from './history.ts'
import { type Ending, type Load, ownScope } from './load.ts'
import type { Principal } from './principals.ts'

export function control(calls: Calls, path: string, value: unknown, once?: string): Promise<HttpAnswer> {
  const headers = {
    authorization: `Bearer ${CONTROL_KEY}`,
    ...(once === undefined ? {} : { 'idempotency-key': once }),
  }
  return calls.json({ method: 'POST', path: `/control/v1${path}`, headers, value })
}

const KEEPING = { keepCredentials: true }

/** One call of the control API, repeated with the same key. */
export function byControl(load: Load, target: Readonly<Record<string, unknown>>): Ending {
  const once = load.name('once')
  return {
    how: `control ${Object.keys(target).join('+')}`,
    // Users go on logging in by their API keys.
    ask: (calls) =>
      control(
        calls,
        '/revocations',
        { target, reason: 'drill', ...('subject' in target ? KEEPING : {}) },
        once,
      ),
    done: [201],
    nothing: [],
  }
}

/** What revoking this token ends: a refresh token takes its grant along. */
export function scopeEndedBy(token: Token): Scope {
  const grant = token.scopes[1]
  return token.kind === 'refresh' && grant !== undefined ? grant : ownScope(token)
}

/** One of the calls that revoke this token. */
export function byToken(load: Load, token: Token): Ending {
  if (load.dice.below(2) === 0) return byControl(load, { token: token.text })
  switch (token.dialect) {
    case 'oauth':
      return { how: 'oauth revoke', ask: (calls) => calls.oauthRevoke(token.text), done: [200], nothing: [] }
    case 'identity':
      return {
        how: 'identity DELETE',
        ask: (calls) => calls.identityRevoke(load.admin, token.text),
        done: [204],
        nothing: [404],
      }
    case 'chat':
      return {
        how: 'chat DELETE',
        ask: (calls) => calls.chatRevoke(token.holder, token.text),
        done: [200],
        nothing: [404],
      }
  }
}

/** One of the calls that end all tokens of a principal so far. */
export function byPrincipal(load: Load, principal: Principal): Ending {
  const { user, id } = principal
  if (user !== undefined) return byControl(load, { source: 'identity', subject: user.id })
  if (id.startsWith('subject')) return byControl(load, { source: 'oauth', subject: id })
  return { how: 'chat DELETE all', ask: (calls) => calls.chatRevokeAll(id), done: [200], nothing: [404] }
}

export function enable(load: Load, id: string, enabled: boolean): Ending {
  return {
    how: enabled ? 'enable user' : 'disable user',
    ask: (calls) =>
      calls.json({
        method: 'PUT',
        path: `/v2.0/users/${id}/OS-KSADM/enabled`,
        headers: { 'x-auth-token': load.admin },
        value: { user: { enabled } },
      }),
    done: [200],
    nothing: [],
  }
}
