import type { Realm } from '@rescind/authority'
import { splitPath } from '../wire/path.ts'
import type { WireRequest } from '../wire/request.ts'
import { type Route, Router } from '../wire/router.ts'
import { createBadges } from './badges.ts'
import { bindToken } from './bind.ts'
import type { AdminAct, Handler } from './call.ts'
import { asAdmin, asRevoker, asSigner } from './callers.ts'
import { putClients } from './client-list.ts'
import { putClient } from './clients.ts'
import { refusal } from './envelope.ts'
import { createListClients } from './list-clients.ts'
import { listing } from './listing.ts'
import { logout, logoutOthers } from './logout.ts'
import { getMe, postMe } from './me.ts'
import { deleteClient, revokeTokens } from './revoke.ts'
import { signEnveloped, signFlat, signReference } from './sign.ts'
import { listTokens, makeText } from './token-list.ts'
import type { ChatTools } from './tools.ts'
import { asLeaver, asUser } from './user.ts'
import { verifyReference } from './verify.ts'

/** First path segments of this dialect. It also answers the 404s below them. */
export const CHAT_PREFIXES: readonly string[] = ['admin', 'auths', 'badges', 'me', 'sign', 'verify']

/** Who may call a method, by what it has to present. */
export type ChatCaller = 'admin' | 'signer' | 'app' | 'user'

/** In the words of the manual. */
export const CHAT_CALLERS: Readonly<Record<ChatCaller, string>> = {
  admin: 'API key',
  signer: 'API key; in a sandbox, client key',
  app: 'client key, or API key',
  user: 'client key, or API key, and the live token of a client',
}

type Method = {
  readonly handler: Handler
  readonly caller: ChatCaller
  /** What it can answer that not every call of this dialect can. */
  readonly also: readonly number[]
}

type Endpoint = Route<Method>

export type Routed =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly client: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'malformed' }

const CLIENT = '/admin/clients/:client-id'

/**
 * The route of a path. Only the client's id is decoded; other segments must be spelled as in the tables, so that a
 * gateway in front reads every path the same way. One trailing slash is allowed, as in the seed's example. It is not
 * redirected, because a DELETE would lose its body.
 */
export function createRoutes(tools: ChatTools): (request: Pick<WireRequest, 'path'>) => Routed {
  const fixed = new Router(fixedRoutes(tools))
  const ofClient = new Router(clientRoutes(tools))
  return ({ path }) => {
    const segments = splitPath(path)
    if (segments === undefined) return { kind: 'malformed' }
    const spelled = path.includes('%') ? path.slice(1).split('/') : segments
    // Match fixed paths first, and as a whole: `/admin/clients/list/token` belongs to the client called `list`.
    const matched = fixed.match(segments, spelled) ?? ofClient.match(segments, spelled)
    if (matched === undefined) return { kind: 'not-found' }
    return { kind: 'endpoint', endpoint: matched.route, client: matched.values[0] ?? '' }
  }
}

/** Every path of this dialect. */
export function chatRoutes(tools: ChatTools): readonly Endpoint[] {
  return [...fixedRoutes(tools), ...clientRoutes(tools)]
}

/** The paths of one client. */
function clientRoutes(tools: ChatTools): readonly Endpoint[] {
  const { live } = tools
  return [
    endpoint(CLIENT, { DELETE: by('admin', asRevoker(tools, deleteClient), [404]) }),
    endpoint(`${CLIENT}/token`, {
      DELETE: by('admin', asRevoker(tools, revokeTokens), [404]),
      PUT: by('admin', asAdmin(tools, bindToken), [404, 409]),
    }),
    endpoint(`${CLIENT}/revocations`, {
      GET: by('admin', live === undefined ? NOTHING : asAdmin(tools, live.ofClient), [404]),
    }),
  ]
}

function fixedRoutes(tools: ChatTools): readonly Endpoint[] {
  const { live } = tools
  const admin = (act: AdminAct, ...also: readonly number[]): Method => by('admin', asAdmin(tools, act), also)
  const signer = (act: AdminAct): Method => by('signer', asSigner(tools, act))
  const user = by('user', asUser(tools, getMe))
  const remove = asRevoker(tools, deleteClient)
  return [
    endpoint('/admin/clients', {
      GET: admin(listing(tools.scans, createListClients(tools.bounds))),
      POST: admin(putClient, 409),
    }),
    // A client may be called `list`, too.
    endpoint('/admin/clients/list', {
      POST: admin(putClients),
      DELETE: by('admin', (...of) => remove(of[0], of[1], 'list'), [404]),
    }),
    endpoint('/admin/revocations', {
      GET: live === undefined ? by('admin', NOTHING) : admin(live.ofApp),
    }),
    endpoint('/auths/sign', { POST: signer(signFlat) }),
    endpoint('/auths/sign/v2', { POST: signer(signEnveloped) }),
    endpoint('/auths/token', { GET: admin(makeText) }),
    endpoint('/auths/tokens', { GET: admin(listing(tools.scans, listTokens)) }),
    // The server sends no body to HEAD; everything else is as for GET.
    endpoint('/me', { GET: user, HEAD: user, POST: by('user', asUser(tools, postMe)) }),
    endpoint('/me/logout', { POST: by('user', asLeaver(tools, logout)) }),
    endpoint('/me/logout-others', { POST: by('user', asUser(tools, logoutOthers)) }),
    endpoint('/badges', { POST: by('app', createBadges(tools)) }),
    endpoint('/verify', { POST: admin(verifyReference) }),
    endpoint('/sign', { POST: signer(signReference) }),
  ]
}

function by(caller: ChatCaller, handler: Handler, also: readonly number[] = []): Method {
  return { handler, caller, also }
}

const NOTHING: Handler = async (_realm: Realm) => refusal({ kind: 'not-found' })

function endpoint(template: string, methods: Readonly<Record<string, Method>>): Endpoint {
  return { template, methods: new Map(Object.entries(methods)) }
}
