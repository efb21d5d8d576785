import type { Realm } from '@rescind/authority'
import { splitPath } from '../wire/path.ts'
import type { WireRequest } from '../wire/request.ts'
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

/** First segments of the paths that this dialect answers for, also where it has nothing at them. */
export const CHAT_PREFIXES: readonly string[] = ['admin', 'auths', 'badges', 'me', 'sign', 'verify']

type Methods = ReadonlyMap<string, Handler>
export type Endpoint = {
  /** For logs and metrics: never a value out of the path. */
  readonly template: string
  readonly methods: Methods
}

export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly client: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'malformed' }

const NOT_FOUND: Route = { kind: 'not-found' }
const CLIENT = '/admin/clients/:client-id'
/** A path of one client: its id, and what follows that. */
const CLIENT_PATH = /^\/admin\/clients\/[^/]+(?<rest>\/token|\/revocations)?\/?$/

/**
 * The route of a path. Only the client's id is decoded, once, after the path was split; the rest has to stand
 * there as it is written here, so that a gateway in front and this table never read a path differently. One
 * slash may follow, as in the seed's example, and leads to no redirect: a DELETE would lose its body on it.
 */
export function createRoutes(tools: ChatTools): (request: Pick<WireRequest, 'path'>) => Route {
  const endpoints = new Map(tableOf(tools).map((endpoint) => [endpoint.template, endpoint]))
  return ({ path }) => {
    const segments = splitPath(path)
    if (segments === undefined) return { kind: 'malformed' }
    const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
    const fixed = endpoints.get(bare)
    if (fixed !== undefined && !bare.includes(':')) return { kind: 'endpoint', endpoint: fixed, client: '' }
    const match = CLIENT_PATH.exec(path)
    const endpoint = match === null ? undefined : endpoints.get(CLIENT + (match.groups?.['rest'] ?? ''))
    return endpoint === undefined ? NOT_FOUND : { kind: 'endpoint', endpoint, client: segments[2] ?? '' }
  }
}

function tableOf(tools: ChatTools): readonly Endpoint[] {
  const { live } = tools
  const admin = (act: AdminAct): Handler => asAdmin(tools, act)
  const user = asUser(tools, getMe)
  const remove = asRevoker(tools, deleteClient)
  return [
    endpoint('/admin/clients', {
      GET: admin(listing(tools.scans, createListClients(tools.bounds))),
      POST: admin(putClient),
    }),
    // A client may be called `list`, too.
    endpoint('/admin/clients/list', {
      POST: admin(putClients),
      DELETE: (...of) => remove(of[0], of[1], 'list'),
    }),
    endpoint(CLIENT, { DELETE: remove }),
    endpoint(`${CLIENT}/token`, { DELETE: asRevoker(tools, revokeTokens), PUT: admin(bindToken) }),
    endpoint(`${CLIENT}/revocations`, { GET: live === undefined ? NOTHING : admin(live.ofClient) }),
    endpoint('/admin/revocations', { GET: live === undefined ? NOTHING : admin(live.ofApp) }),
    endpoint('/auths/sign', { POST: asSigner(tools, signFlat) }),
    endpoint('/auths/sign/v2', { POST: asSigner(tools, signEnveloped) }),
    endpoint('/auths/token', { GET: admin(makeText) }),
    endpoint('/auths/tokens', { GET: admin(listing(tools.scans, listTokens)) }),
    // The server sends no body to HEAD; everything else is as for GET.
    endpoint('/me', { GET: user, HEAD: user, POST: asUser(tools, postMe) }),
    endpoint('/me/logout', { POST: asLeaver(tools, logout) }),
    endpoint('/me/logout-others', { POST: asUser(tools, logoutOthers) }),
    endpoint('/badges', { POST: createBadges(tools) }),
    endpoint('/verify', { POST: admin(verifyReference) }),
    endpoint('/sign', { POST: asSigner(tools, signReference) }),
  ]
}

const NOTHING: Handler = (_realm: Realm) => refusal({ kind: 'not-found' })

function endpoint(template: string, methods: Readonly<Record<string, Handler>>): Endpoint {
  return { template, methods: new Map(Object.entries(methods)) }
}
