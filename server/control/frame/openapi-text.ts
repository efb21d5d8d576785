import { isSafe } from '@rescind/dialects'
import type { ControlRole } from '../../records/control-keys.ts'
import { type EndpointShape, rateClassOf } from './endpoint.ts'
import { lowestRole, NARROWING } from './narrowing.ts'
import type { Json } from './openapi-schemas.ts'

/** What the first segments of the paths are about. */
export const TAGS: Readonly<Record<string, string>> = {
  'openapi.json': 'This document',
  clock: 'The wall clock, after it was set',
  revocations: 'Rules that end tokens, now, at a time or in bulk, and their receipts',
  holds: 'Rules that suspend tokens until a deadline',
  approvals: 'What waits for a second person',
  settings: 'What is decided per realm',
  stats: 'How things stand, as numbers',
  issuers: 'Identity providers whose tokens are judged and revoked here',
  verify: 'Judging a token',
  keys: 'Control keys, and who they belong to',
  tokens: 'Tokens that are recorded here, without their text',
  find: 'Finding whose a text is',
  exposure: 'Who accepted a token before it was refused',
  realms: 'Isolated parts of the store',
  'master-key': 'The key that wraps the keys of all realms',
  feed: 'The log for services that check tokens by themselves',
  verifiers: 'Services that check tokens, and their running instances',
  audit: 'The log for people: who did what',
  evidence: 'What is known of an incident, signed',
  'check-profiles': 'What a gateway is told by /check',
  'token-review': 'Judging tokens for Kubernetes',
  'token-prefixes': 'The prefixes of minted tokens',
  'chat-apps': 'Apps of the chat dialect, their keys and their clients',
  grants: 'Tokens for logins that happened elsewhere',
  clients: 'OAuth clients and their secrets',
  'signing-keys': 'Keys that sign tokens and answers',
  'identity-users': 'Users of the Identity dialect, and what they log in by',
}

export const PROBLEM: Json = {
  type: 'object',
  description: 'What went wrong (RFC 9457)',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
  },
  required: ['type', 'title', 'status', 'detail'],
  example: { type: 'about:blank', title: 'Not Found', status: 404, detail: 'no such token' },
}

export function infoOf(version: string): Json {
  return {
    title: 'Rescind control API',
    version,
    description: 'Revoke anything, know what was hit. Every call bears a control key.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  }
}

/** The first segment of its path. */
export function tagOf({ path }: Pick<EndpointShape, 'path'>): string {
  return path.split('/')[1] ?? ''
}

/** Who may call it, what it counts towards, and how it is repeated. */
export function descriptionOf(one: EndpointShape): string {
  return [
    `${one.summary}.`,
    callersText(one),
    `It counts towards the rate of the class \`${rateClassOf(one)}\`.`,
    ...(one.scans === true
      ? ['It looks at many records, so a key may have only some such calls under way.']
      : []),
    ...(isSafe(one.method) || one.idempotency === 'own'
      ? []
      : ['With an `Idempotency-Key` it is safe to repeat.']),
    ...(one.conditional === true && !isSafe(one.method)
      ? ['With `If-Match` it changes only the version that was read.']
      : []),
  ].join(' ')
}

const ROLE: Readonly<Record<ControlRole, string>> = {
  metrics: 'a control key',
  viewer: 'a control key of the role `viewer`, `responder` or `admin`',
  responder: 'a control key of the role `responder` or `admin`',
  admin: 'a control key of the role `admin`',
}

function callersText(one: EndpointShape): string {
  const { callers = ['control'], reach } = one
  if (!callers.includes('control')) return "It needs a verifier's key."
  const lowest = ROLE[lowestRole(one)]
  const verifiers = callers.includes('verifier') ? ", or a verifier's key" : ''
  const realms = reach === 'store' ? ', of all realms' : ''
  const rest = NARROWING.has(one.operation)
    ? ' A `responder` may send what `x-rescind-responder-body` describes, and an `admin` everything.'
    : ''
  return `It needs ${lowest}${realms}${verifiers}.${rest}`
}
