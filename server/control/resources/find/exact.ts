import type { Realm } from '@rescind/authority'
import { BEYOND_LOGS, isRevoked, parseHandle, type TokenFacts } from '@rescind/core'
import { instantOf } from '@rescind/core/bytes'
import { foreignIssuer, foreignSource, kindOf } from '@rescind/core/tokens'
import { bulkStatus } from '../../../bulk/progress.ts'
import { Secrets } from '../../../bulk/secrets.ts'
import { unjudgedWords } from '../../../judging/judge-token.ts'
import { APPROVALS } from '../../../pending/approvals.ts'
import { HOLDS } from '../../../pending/holds.ts'
import { SCHEDULES } from '../../../pending/schedules.ts'
import type { Filters } from '../../../receipts/filters.ts'
import { receiptJson, type Written } from '../../../receipts/receipt.ts'
import { searchReceipts } from '../../../receipts/search.ts'
import { isBulkRunning } from '../bulk.ts'
import { stateOfBulk } from '../bulk-status.ts'
import { judgePasted } from '../pasted.ts'
import { receiptOf } from '../rules/receipts.ts'
import { stateOf, tokenJson } from '../tokens.ts'
import type { FindingJson } from './find-json.ts'
import { isSigned } from './readings.ts'
import type { Search } from './search.ts'

/**
 * Whether the text is a credential: by its `form`, so that it is nothing else; by somebody's `choice` of a text, which may
 * be a name, too.
 */
export type IsCredential = 'form' | 'choice' | undefined

export async function findCredential(search: Search): Promise<IsCredential> {
  const { realm, parts, read, into } = search
  const pasted = await judgePasted(realm, parts.keySets, read.text)
  if (pasted.kind === 'judged') {
    const { record, respelled, facts, verdict, unjudged } = pasted.judged
    const own = record ?? respelled
    if (read.id !== 'handle') into.recognise({ as: 'token' })
    if (own !== undefined) into.add(realm, await tokenFinding(realm, own))
    else if (unjudged !== undefined) into.add(realm, unjudgedFinding(unjudged))
    else if (facts !== undefined) into.add(realm, foreignFinding(facts, stateOf(verdict)))
    return read.id === 'handle' ? undefined : howChosen(realm, search.read)
  }
  if (await findSecret(search)) return howChosen(realm, read)
  if (pasted.form === undefined) return undefined
  into.recognise({ as: pasted.form, note: pasted.why })
  return 'form'
}

function howChosen({ grammar }: Realm, { text, name = '' }: Search['read']): IsCredential {
  return isSigned(text) || grammar.shapeOf(name.replaceAll(/\s+/g, '')) !== 'foreign' ? 'form' : 'choice'
}

/** Shorter text, and text with white space in it, is no secret that this server takes. */
const SECRET_MIN_CHARS = 8
/** The most secrets of one realm that are compared. */
const SECRETS_MAX = 20_000

async function findSecret({ realm, parts, keysOf, read, into }: Search): Promise<boolean> {
  const { name } = read
  if (name === undefined || name.length < SECRET_MIN_CHARS || /\s/.test(name)) return false
  const of = { realm, system: parts.realms.system, keysOf, dialects: parts.secrets }
  const secrets = new Secrets(of, SECRETS_MAX)
  const found = await secrets.find(name)
  if (found !== undefined) {
    const { credential, endedBy } = found
    into.recognise({ as: 'credential', realm: realm.name, credential, endedBy })
  } else if (secrets.isPartial)
    into.miss({ realm: realm.name, what: 'secrets', why: `more than ${SECRETS_MAX} are not compared` })
  return found !== undefined
}

type Finding = Omit<FindingJson, 'realm'>
type Stored = Parameters<typeof tokenJson>[1]

async function tokenFinding(realm: Realm, record: Stored): Promise<Finding> {
  const { handle, source, subject, client, grant, expiresAtMs } = record
  const { state } = await tokenJson(realm, record)
  return {
    ...{ kind: 'token', source, id: handle, state: state === 'active' ? 'live' : state },
    ...{ tokenKind: kindOf(record), subject, client, grant, expiresAt: instantOf(expiresAtMs) },
    path: `/control/v1/tokens/${handle}`,
    target: { handle },
  }
}

export function foreignFinding(facts: TokenFacts, state: string): Finding {
  const { source, subject, client, foreign, expiresAtMs } = facts
  const jti = foreign?.jti ?? ''
  return {
    ...{ kind: 'foreignToken', source, id: jti, state: state === 'active' ? 'live' : state },
    ...{ subject, client, expiresAt: instantOf(expiresAtMs) },
    target: { issuer: foreignIssuer(source), jti },
  }
}

function unjudgedFinding(unjudged: Parameters<typeof unjudgedWords>[0]): Finding {
  const { issuer, jti } = unjudged
  return {
    ...{ kind: 'foreignToken', source: foreignSource(issuer), id: jti ?? '', state: 'unknown' },
    note: unjudgedWords(unjudged),
    target: jti === undefined ? undefined : { issuer, jti },
  }
}

const PENDING = [
  ['hold', HOLDS, '/holds'],
  ['schedule', SCHEDULES, '/revocations/scheduled'],
  ['approval', APPROVALS, '/approvals'],
] as const

/** What an id of this server names. */
export async function findId({ realm, read, into }: Search): Promise<void> {
  const { name: id = '', id: as } = read
  if (as === undefined) return
  into.recognise({ as })
  if (as === 'receipt') {
    const written = await receiptOf(realm, id)
    if (written !== undefined) into.add(realm, receiptFinding(realm, written))
  }
  if (as === 'handle') await findReceipts({ realm, into }, { handle: id })
  if (as === 'grant') await findReceipts({ realm, into }, { grant: id })
  if (as === 'bulk') await findBulk({ realm, into }, id)
  for (const [kind, pending, path] of PENDING) {
    if (kind !== as) continue
    const found = await pending.find(realm, id)
    if (found.kind === 'none') continue
    const state = found.kind === 'open' ? 'open' : found.value.state
    into.add(realm, { kind, id, state, path: `/control/v1${path}/${id}` })
    await findReceipts({ realm, into }, { cause: id })
  }
}

async function findBulk({ realm, into }: Pick<Search, 'realm' | 'into'>, id: string): Promise<void> {
  const status = await bulkStatus(realm, id)
  if (status !== undefined) {
    const state = stateOfBulk(status, isBulkRunning(realm, id))
    into.add(realm, { kind: 'bulk', id, state, path: `/control/v1/revocations/bulk/${id}` })
  }
  await findReceipts({ realm, into }, { cause: id })
}

/** The newest receipts by which something is named. */
const RECEIPTS_MAX = 10

export async function findReceipts(
  { realm, into }: Pick<Search, 'realm' | 'into'>,
  filters: Filters,
): Promise<void> {
  const of = { filters, before: undefined, sinceMs: undefined, untilMs: undefined, limit: RECEIPTS_MAX }
  const { found, next } = await searchReceipts(realm, of)
  for (const written of found) into.add(realm, receiptFinding(realm, written))
  if (next !== undefined && found.length < RECEIPTS_MAX) into.miss({ realm: realm.name, ...OLDER_RECEIPTS })
}

const OLDER_RECEIPTS = {
  what: 'older receipts',
  why: 'the log is too long to be looked through at once; list them by GET /control/v1/revocations',
}

function receiptFinding(realm: Realm, written: Written): Finding {
  const { id, at, covers } = receiptJson(realm, written)
  return { kind: 'receipt', id, state: 'revoked', at, covers, path: `/control/v1/revocations/${id}` }
}

/** The first token of a grant has its number; the other tokens are counted by their names. */
export async function sourceOfGrant(realm: Realm, grant: string): Promise<string | undefined> {
  const first = parseHandle(grant.replace(/^grt_/, 'tok_'))
  const record = first === undefined ? undefined : await realm.store.tokenByHandle(realm.ordinal, first)
  return record?.source
}

const UNSEEN = {
  ancestors: [],
  position: BEYOND_LOGS,
  issuedAtMs: Number.MAX_SAFE_INTEGER,
  expiresAtMs: Number.MAX_SAFE_INTEGER,
}

/** Whether a rule names this token of an issuer. Rules on its principals do not show here. */
export function isJtiRevoked(realm: Realm, source: string, jti: string): boolean {
  return isRevoked({ ...UNSEEN, source, foreign: { jti, skewMs: 0 } }, realm.index)
}
