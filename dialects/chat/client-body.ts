import type { Realm } from '@rescind/authority'
import type { WireRequest } from '../wire/request.ts'
import type { Json, JsonObject } from '../wire/strict-json.ts'
import { type Assignment, parseAssignment, readObject } from './body.ts'
import type { Admin } from './call.ts'
import { type ChatClient, isClientId } from './directory.ts'
import { type Refused, refused } from './envelope.ts'

export const NICKNAME_MAX_CHARS = 256
export const AVATAR_URL_MAX_CHARS = 2_048
/** Custom members that a caller may store with a client, over all its calls. */
export const MEMBERS_MAX = 64
/** Total bytes of their JSON. */
export const MEMBERS_MAX_BYTES = 16_384

type SaysNoMore = (value: Json | undefined) => boolean

/**
 * Members that this server sets. Clients that read, edit and send a record back include them: ignore them when they
 * match our values, and refuse them otherwise, because a caller that sends `isRobot: true` and reads 200 would believe
 * it. (`id` may be sent if it equals `_id`.)
 */
const RESERVED: ReadonlyMap<string, SaysNoMore> = new Map<string, SaysNoMore>([
  ['__v', () => true],
  ['appID', () => true],
  ['updatedAt', () => true],
  ['isRobot', (value) => value === false],
  ['mute', (value) => Array.isArray(value) && value.length === 0],
  ['expirationDateMS', () => false],
])
const OWN: ReadonlySet<string> = new Set([
  '_id',
  'id',
  'nickname',
  'avatarUrl',
  'issueAccessToken',
  'token',
  'expirationDate',
])

/** Changes to write to a client. */
export type ClientPatch = {
  readonly id: string
  readonly profile: Pick<ChatClient, 'nickname' | 'avatarUrl'>
  readonly members: JsonObject
}

export type ClientAsk = ClientPatch & {
  readonly kind: 'client'
  readonly token: { readonly kind: 'none' } | { readonly kind: 'mint' } | Assignment
}

/** The body of `POST /admin/clients`. */
export function parseClient(realm: Realm, admin: Admin, request: WireRequest): ClientAsk | Refused {
  const body = readObject(request)
  if (body.kind === 'refused') return body
  const patch = parsePatch(body.members, ['_id', 'id'])
  if (patch.kind === 'refused') return patch
  const token = parseTokenWish(realm, admin, body.members)
  return token.kind === 'refused' ? token : { ...patch, kind: 'client', token }
}

/** The two names of a client's id. The first is required; the second must equal it if sent. */
export type IdNames = readonly [first: '_id' | 'id', second: '_id' | 'id']

export function parsePatch(members: JsonObject, [first, second]: IdNames): Patch | Refused {
  const id = members[first]
  if (typeof id !== 'string' || !isClientId(id))
    return refused('INVALID_REQUEST', `${first} must be text of 1 to 256 characters.`)
  if (!isAbsent(members[second]) && members[second] !== id)
    return refused('INVALID_REQUEST', 'id and _id must be the same.')
  const profile = parseProfile(members)
  if (profile.kind === 'refused') return profile
  const reserved = Object.entries(members).find(([name, value]) => RESERVED.get(name)?.(value) === false)
  if (reserved !== undefined)
    return refused('INVALID_REQUEST', `${reserved[0]} is set by this server and cannot be sent.`)
  const others = Object.entries(members).filter(([name]) => !OWN.has(name) && !RESERVED.has(name))
  return { kind: 'patch', id, profile: profile.profile, members: Object.fromEntries(others) }
}

export type Patch = ClientPatch & { readonly kind: 'patch' }

/** A patch from a call that never handles tokens. Members that ask for a token are refused, not ignored. */
export function parsePlainPatch(members: JsonObject, names: IdNames): Patch | Refused {
  const { token, expirationDate, issueAccessToken } = members
  if (token !== undefined || !isAbsent(expirationDate) || issueAccessToken === true)
    return refused('INVALID_REQUEST', 'This call takes no member that issues or binds a token.')
  return parsePatch(members, names)
}

type Profile = { readonly kind: 'profile'; readonly profile: ClientPatch['profile'] }

function parseProfile({ nickname, avatarUrl }: JsonObject): Profile | Refused {
  if (!isTextUpTo(nickname, NICKNAME_MAX_CHARS))
    return refused('INVALID_REQUEST', `nickname must be text of at most ${NICKNAME_MAX_CHARS} characters.`)
  if (!isTextUpTo(avatarUrl, AVATAR_URL_MAX_CHARS))
    return refused('INVALID_REQUEST', `avatarUrl must be text of at most ${AVATAR_URL_MAX_CHARS} characters.`)
  const profile = {
    ...(isAbsent(nickname) ? {} : { nickname }),
    ...(isAbsent(avatarUrl) ? {} : { avatarUrl }),
  }
  return { kind: 'profile', profile }
}

/** Clients that send every member use null for missing ones. No decision depends on these members. */
function isAbsent(value: Json | undefined): value is undefined | null {
  return value === undefined || value === null
}

function isTextUpTo(value: Json | undefined, maxChars: number): value is string | undefined | null {
  return isAbsent(value) || (typeof value === 'string' && value.length <= maxChars)
}

function parseTokenWish(realm: Realm, admin: Admin, members: JsonObject): ClientAsk['token'] | Refused {
  const { issueAccessToken, token, expirationDate } = members
  if (issueAccessToken !== undefined && typeof issueAccessToken !== 'boolean')
    return refused('INVALID_REQUEST', 'issueAccessToken must be true or false.')
  if (token !== undefined) {
    return issueAccessToken === true
      ? refused('INVALID_REQUEST', 'A token is either issued or assigned: not both in one call.')
      : parseAssignment(realm, admin, members)
  }
  if (!isAbsent(expirationDate))
    return refused('INVALID_REQUEST', 'expirationDate belongs to an assigned token.')
  return issueAccessToken === true ? { kind: 'mint' } : { kind: 'none' }
}
