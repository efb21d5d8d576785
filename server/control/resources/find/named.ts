import { ISSUERS, type IssuerValue, type Realm } from '@rescind/authority'
import { isSuspended, type TokenFacts } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { foreignIssuer, foreignSource, isForeignSource } from '@rescind/core/tokens'
import { nextTurn } from '../../../machine/turns.ts'
import type { Person } from '../../../records/people.ts'
import { isOnHold } from '../../../rules/held.ts'
import { stateOf } from '../tokens.ts'
import { findReceipts, foreignFinding, isJtiRevoked, sourceOfGrant } from './exact.ts'
import type { FindingJson, TargetJson } from './find-json.ts'
import type { Search } from './search.ts'
import { type Bearer, type Names, type Role, type Tallies, tallied } from './tallies.ts'

/** The most registered issuers of a realm that are looked at. */
const ISSUERS_MAX = 1_000
/** Uses that are compared in one turn of the event loop. */
const USES_PER_TURN = 1_000

/** Finds who or what is called so. @returns the sources that were searched. */
export async function findNamed(search: Search, name: string): Promise<readonly string[]> {
  const { realm, parts, into, isOver } = search
  into.recognise({ as: 'person' })
  const people: Person[] = []
  const sources = new Set<string>()
  for (const find of parts.people) {
    const found = await find(realm, { text: name, isOver })
    people.push(...found.people)
    for (const source of found.sources) sources.add(source)
    for (const missed of found.missed) into.miss({ realm: realm.name, ...missed })
  }
  const issuers = await issuersOf(search)
  for (const { issuer } of issuers) sources.add(foreignSource(issuer))
  const tallies = await tallied(realm, namesOf(name, people), isOver)
  if (!tallies.complete) into.miss({ realm: realm.name, ...NOT_ALL_TOKENS })
  for (const person of people) into.add(realm, personFinding(realm, person, tallies))
  for (const bearer of tallies.bearers) {
    sources.add(bearer.source)
    if (bearer.name === name && !isAmong(people, bearer))
      into.add(realm, bearerFinding(realm, bearer, tallies))
  }
  await findForeign(search, { name, issuers })
  for (const role of ['subject', 'client', 'session'] as const) await findReceipts(search, { [role]: name })
  for (const source of sources) await missUnseen(search, { source, name })
  return [...sources].sort()
}

/** The tokens of a grant, and its source. */
export async function findGrant(search: Search, grant: string): Promise<void> {
  const { realm, into, isOver } = search
  const tallies = await tallied(realm, { grant: new Set([grant]) }, isOver)
  if (!tallies.complete) into.miss({ realm: realm.name, ...NOT_ALL_TOKENS })
  const source = tallies.bearers[0]?.source ?? (await sourceOfGrant(realm, grant))
  if (source !== undefined)
    into.add(realm, bearerFinding(realm, { role: 'grant', source, name: grant }, tallies))
}

const NOT_ALL_TOKENS = {
  what: 'tokens of this name',
  why: 'there was no time to look at every token; the counts are at least',
}

function namesOf(name: string, people: readonly Person[]): Names {
  const subjects = people.flatMap(({ named }) => ('subject' in named ? named.subject : []))
  const clients = people.flatMap(({ named }) => ('client' in named ? named.client : []))
  return {
    subject: new Set([name, ...subjects]),
    client: new Set([name, ...clients]),
    session: new Set([name]),
  }
}

function bearerOf({ source, named }: Person): Bearer {
  return 'subject' in named
    ? { role: 'subject', source, name: named.subject }
    : { role: 'client', source, name: named.client }
}

/** In chat a token's client is its subject, too, so a person stands for both roles. */
function isAmong(people: readonly Person[], { source, name, role }: Bearer): boolean {
  return people.some((one) => {
    const own = bearerOf(one)
    return own.source === source && own.name === name && role !== 'session' && role !== 'grant'
  })
}

type Finding = Omit<FindingJson, 'realm'>

function personFinding(realm: Realm, person: Person, tallies: Tallies): Finding {
  const { kind, source, id, name, email, by, isDisabled, path } = person
  const bearer = bearerOf(person)
  return {
    ...{ kind, source, id, name, email, by },
    state: isDisabled ? 'disabled' : stateOfBearer(realm, bearer),
    tokens: tallies.of(bearer),
    path,
    target: targetOf(bearer),
  }
}

function bearerFinding(realm: Realm, bearer: Bearer, tallies: Tallies): Finding {
  const { role, source, name } = bearer
  const tokens = tallies.of(bearer)
  const isOver = role === 'grant' && tokens.complete && tokens.count === 0
  const state = isOver ? 'ended' : stateOfBearer(realm, bearer)
  return { kind: role, source, id: name, state, tokens, target: targetOf(bearer) }
}

function targetOf({ role, source, name }: Bearer): TargetJson {
  return { source, [role]: name }
}

/** Whether a hold is over these principals. Cutoffs do not hit what is issued from now on. */
function stateOfBearer(realm: Realm, { role, source, name }: Bearer): 'live' | 'held' {
  return isOnHold(realm, { source, [role]: name }) ? 'held' : 'live'
}

async function issuersOf({ realm, into }: Search): Promise<readonly IssuerValue[]> {
  const page = await realm.directory.page(ISSUERS, { after: undefined, limit: ISSUERS_MAX })
  if (page.next !== undefined)
    into.miss({ realm: realm.name, what: 'further issuers', why: `more than ${ISSUERS_MAX} are registered` })
  return page.entries.map(({ value }) => value).filter(({ enabled }) => enabled)
}

type Foreign = { readonly name: string; readonly issuers: readonly IssuerValue[] }

/** Of issuers' tokens this process remembers those that it was lately asked about, and the log has the rules. */
async function findForeign(search: Search, { name, issuers }: Foreign): Promise<void> {
  const { realm, into } = search
  if (issuers.length === 0) return
  into.recognise({ as: 'jti' })
  let at = 0
  const seen: Seen = new Map()
  for (const facts of realm.acceptances.foreign.recent(realm.nowMs())) {
    at += 1
    if (at % USES_PER_TURN === 0) await nextTurn()
    if (facts.foreign?.jti === name) into.add(realm, foreignFinding(facts, stateOf(realm.judge(facts))))
    for (const role of ['subject', 'client', 'session'] as const)
      if (facts[role] === name) noteSeen(realm, seen, { role, facts })
  }
  for (const { bearer, count } of seen.values())
    into.add(realm, {
      ...{ kind: bearer.role, source: bearer.source, id: name, state: stateOfBearer(realm, bearer) },
      tokens: { count, complete: false },
      note: 'tokens that this process was asked about in the last 15 minutes',
      target: targetOf(bearer),
    })
  for (const { issuer } of issuers) {
    const source = foreignSource(issuer)
    if (isJtiRevoked(realm, source, name))
      into.add(realm, {
        kind: 'foreignToken',
        source,
        id: name,
        state: 'revoked',
        target: { issuer, jti: name },
      })
  }
  await findReceipts(search, { jti: name })
}

type Seen = Map<string, { readonly bearer: Bearer; count: number }>
type Sight = { readonly role: 'subject' | 'client' | 'session'; readonly facts: TokenFacts }

function noteSeen(realm: Realm, seen: Seen, { role, facts }: Sight): void {
  const { source } = facts
  const key = JSON.stringify([role, source])
  const known = seen.get(key) ?? { bearer: { role, source, name: facts[role] ?? '' }, count: 0 }
  const verdict = realm.judge(facts)
  if (verdict.kind === 'active' || isSuspended(verdict)) known.count += 1
  seen.set(key, known)
}

type Unseen = { readonly source: string; readonly name: string }

const UNSEEN_WHY = 'they are recorded nowhere here; a rule hits them all the same'

/** Tokens that may exist under this name without a record here. */
async function missUnseen(search: Search, { source, name }: Unseen): Promise<void> {
  const { realm, parts, into } = search
  if (isForeignSource(source)) {
    const targets = await foreignTargets(realm, { source, name })
    if (targets.length > 0)
      into.miss({ realm: realm.name, source, what: 'tokens of this issuer', why: UNSEEN_WHY, targets })
    return
  }
  const target: Target = { kind: 'cut', shape: 'client', principals: { source, client: name } }
  for (const what of await parts.sources.unseen(realm, target))
    into.miss({ realm: realm.name, source, what, why: UNSEEN_WHY, targets: [{ source, client: name }] })
}

/** The rules that the claims of an issuer allow. */
async function foreignTargets(realm: Realm, { source, name }: Unseen): Promise<readonly TargetJson[]> {
  const issuer = foreignIssuer(source)
  const { entries } = await realm.directory.page(ISSUERS, { after: undefined, limit: ISSUERS_MAX })
  const claims = entries.find(({ value }) => value.issuer === issuer)?.value.claims
  if (claims === undefined) return []
  const roles = (['subject', 'client'] as const).filter((role: Role & keyof typeof claims) => claims[role])
  const byRole = roles.map((role): TargetJson => ({ source, [role]: name }))
  return claims.jti === undefined ? byRole : [...byRole, { issuer, jti: name }]
}
