import type { Realm, RealmView } from '@rescind/authority'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { realmParameter } from '../../frame/input.ts'
import { findCredential, findId } from './exact.ts'
import { FOUND, type FoundJson, type NotSearchedJson, type Reading, type SearchedJson } from './find-json.ts'
import { Gathered, targetsOf } from './gathered.ts'
import { findGrant, findNamed } from './named.ts'
import { readText } from './readings.ts'
import type { Search } from './search.ts'

/** Characters of a text: the longest token, with what was copied around it. */
const TEXT_MAX_CHARS = 32_768
/** How long one realm is searched, and all of them together. */
const REALM_MS = 2_000
const ALL_MS = 5_000
/** Realms that are named as not searched for want of time; more are counted. */
const LATE_REALMS_NAMED_MAX = 100

type Body = { readonly text: string }

/** `POST /control/v1/find`: everything that a text may be, in every realm that the key may read. */
const FIND: Endpoint = endpoint({
  method: 'POST',
  path: '/find',
  operation: 'find',
  summary:
    'Who or what is this? By token text, any id, or the id, name or e-mail address of a person, in all sources and realms',
  role: 'viewer',
  rateClass: 'read',
  scans: true,
  reads: true,
  everyRealm: true,
  idempotency: 'own',
  body: z.strictObject({ text: z.string().min(1).max(TEXT_MAX_CHARS) }),
  answers: { 200: { what: 'What was recognised, found, searched, and not searched', schema: FOUND } },
  handle: find,
})

export const FIND_ENDPOINTS: readonly Endpoint[] = [FIND]

async function find(ask: Ask<unknown, Body>): Promise<Answer> {
  const { parts } = ask
  const read = readText(ask.body.text)
  const into = new Gathered()
  if (read.isPasscode) into.recognise(PASSCODE)
  const endMs = parts.monotonicMs() + ALL_MS
  const searched: SearchedJson[] = []
  const late: string[] = []
  let isCredential = false
  for (const { name, enabled } of await realmsOf(ask)) {
    if (parts.monotonicMs() >= endMs) {
      late.push(name)
      continue
    }
    const untilMs = Math.min(endMs, parts.monotonicMs() + REALM_MS)
    const isOver = (): boolean => parts.monotonicMs() >= untilMs
    const one = await inRealm(ask, { name, enabled, read, into, isOver })
    if (one === undefined) continue
    searched.push(one.searched)
    isCredential ||= one.isCredential
  }
  for (const missed of lateOnes(late)) into.miss(missed)
  return jsonAnswer(200, foundJson(into, searched, isCredential))
}

const PASSCODE = {
  as: 'passcode',
  note: 'it may be a one-time passcode, which is over within minutes by itself; a second factor ends by POST /identity-users/{userId}/end',
} as const

/** A text that is somebody's credential is not repeated, not even as the name in a rule. */
function foundJson(into: Gathered, searched: readonly SearchedJson[], isCredential: boolean): FoundJson {
  const { findings, recognised, notSearched } = into
  const told = isCredential ? notSearched.map(({ targets: _targets, ...rest }) => rest) : notSearched
  return {
    complete: told.length === 0,
    recognised,
    findings,
    targets: targetsOf(findings),
    searched,
    notSearched: told,
  }
}

type Named = Pick<RealmView, 'enabled'> & { readonly name: string }

/** The realms that the key may read: the one that the call names, else all. */
async function realmsOf({ parts, by, realm, request }: Ask<unknown, Body>): Promise<readonly Named[]> {
  const { realms } = parts
  const asked = by.realm ?? realmParameter(request.query)
  if (typeof asked === 'string')
    return [{ name: realm.name, enabled: (await realms.view(realm.name))?.enabled === true }]
  const readable = await realms.list()
  const known = new Set<string>(readable.map(({ name }) => name))
  const broken = new Set(realms.disorder.all.filter(({ what }) => what === 'realm').map((one) => one.realm))
  // A realm whose record cannot be read is in no list, and must not look like one that was searched.
  const others = [...broken].filter((name) => !known.has(name))
  return [...readable, ...others.map((name) => ({ name, enabled: true }))]
}

type OfRealm = Named & Pick<Search, 'read' | 'into' | 'isOver'>
type Done = { readonly searched: SearchedJson; readonly isCredential: boolean }

/** @returns undefined for a realm that was deleted meanwhile. */
async function inRealm(ask: Ask<unknown, Body>, of: OfRealm): Promise<Done | undefined> {
  const { parts, by } = ask
  const { name, enabled, read, into, isOver } = of
  const { realms } = parts
  const why = realms.whyNot(name)
  if (why !== undefined) {
    into.miss({ realm: name, what: 'the whole realm', why })
    const state = 'outOfOrder' as const
    return {
      searched: { realm: name, state, sources: [], lookUps: [], complete: false, why },
      isCredential: false,
    }
  }
  if (realms.dormant().some((one) => one.name === name)) {
    const state = enabled ? ('empty' as const) : ('disabled' as const)
    return {
      searched: { realm: name, state, sources: [], lookUps: ALL, complete: true },
      isCredential: false,
    }
  }
  const realm = await realms.known(name)
  if (realm === undefined) return undefined
  const before = into.notSearched.length
  const { sources, lookUps, isCredential } = await searchRealm({
    ...{ realm, parts, read, into, isOver },
    keysOf: by.realm,
  })
  noteUnreadable(ask, realm, into)
  const complete = into.notSearched.length === before
  const state = enabled ? ('served' as const) : ('disabled' as const)
  return { searched: { realm: name, state, sources, lookUps, complete }, isCredential }
}

const ALL: readonly Reading[] = [
  ...(['token', 'handle', 'grant', 'receipt', 'hold', 'schedule', 'approval', 'bulk'] as const),
  ...(['credential', 'jti', 'person'] as const),
]

type Searched = {
  readonly sources: readonly string[]
  readonly lookUps: readonly Reading[]
  readonly isCredential: boolean
}

async function searchRealm(search: Search): Promise<Searched> {
  const { read } = search
  const isCredential = await findCredential(search)
  const lookUps: Reading[] = ['token', 'credential']
  if (isCredential === 'form' || read.name === undefined)
    return { sources: [], lookUps, isCredential: isCredential !== undefined }
  if (read.id !== undefined) {
    if (read.id === 'grant') await findGrant(search, read.name)
    await findId(search)
    return { sources: [], lookUps: [...lookUps, read.id], isCredential: isCredential !== undefined }
  }
  const sources = await findNamed(search, read.name)
  return { sources, lookUps: [...lookUps, 'jti', 'person'], isCredential: isCredential !== undefined }
}

function noteUnreadable({ parts }: Ask<unknown, Body>, realm: Realm, into: Gathered): void {
  const broken = parts.realms.disorder.all.filter((one) => one.realm === realm.name)
  if (broken.length > 0)
    into.miss({
      realm: realm.name,
      what: `records that cannot be read: ${broken.length}`,
      why: 'see /readyz',
    })
}

function lateOnes(late: readonly string[]): readonly NotSearchedJson[] {
  const why = 'there was no time left; ask again with ?realm='
  const named = late.slice(0, LATE_REALMS_NAMED_MAX)
  const rest = late.length - named.length
  return [
    ...named.map((realm) => ({ realm, what: 'the whole realm', why })),
    ...(rest === 0 ? [] : [{ what: `${rest} more realms`, why }]),
  ]
}
