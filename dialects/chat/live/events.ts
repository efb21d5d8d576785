import type { Realm } from '@rescind/authority'
import { type Handle, parseHandle, type Source } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import {
  type CutoffTarget,
  decodeRule,
  type LogRow,
  type RowKind,
  rowKindOf,
  type Target,
  traitsOf,
} from '@rescind/core/log'

/** Handles that a cutoff's event names; a client that had more learns that from `complete`. */
const EVENT_HANDLES_MAX = 100

/** Whose tokens a stream is about. */
export type Audience = { readonly source: Source; readonly client: string | undefined }

/** What a row of the log means to the holders of an app's tokens, worded for every stream of the app. */
export type LiveEvent = {
  /** Whose tokens; null: of a token whose client is not known any more, or everybody's. */
  readonly client: string | null
  readonly isOfAll: boolean
  /** One token has ended; all of a client's (or of all clients') so far have; or some are suspended. */
  readonly text: string
}

/** A token that ran out, as every stream of its app tells it. */
export type Expired = { readonly client: string | null; readonly data: string }

/** What happens to tokens that a row of each kind names; undefined: nothing. */
const WORDS: Readonly<Record<RowKind, 'revoked' | 'suspended' | undefined>> = {
  revoke: 'revoked',
  hold: 'suspended',
  release: undefined,
  change: undefined,
  epoch: undefined,
}

/** Whether a stream of one client's, or of the whole app's, is told. */
export function isFor({ client, isOfAll }: LiveEvent, { client: of }: Audience): boolean {
  return of === undefined || client === of || (isOfAll && client === null)
}

/** @returns undefined for a row that ends nothing of theirs. */
export async function liveEvent(realm: Realm, row: LogRow, source: Source): Promise<LiveEvent | undefined> {
  const word = WORDS[rowKindOf(row)]
  if (word === undefined) return undefined
  const rule = decodeRule(row)
  const target = traitsOf(rule).hits(rule)
  if (target === undefined) return undefined
  const at = formatInstant(row.atMs)
  if (target.kind === 'cut') {
    const data = await cutoffData(realm, { cutoff: target, seq: row.seq, source })
    return data === undefined ? undefined : eventOf(`${word}-all`, { ...data, at })
  }
  const handle = handleIn(target, source)
  if (handle === undefined) return undefined
  const record = await realm.store.tokenByHandle(realm.ordinal, handle)
  // Collected since: whose it was is not known any more, and it had run out by then.
  const client = record?.client ?? null
  return eventOf(word, { client, token: handle, at })
}

type Data = { readonly client: string | null } & Readonly<Record<string, unknown>>

function eventOf(event: `${'revoked' | 'suspended'}${'' | '-all'}`, data: Data): LiveEvent {
  const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  return { client: data.client, isOfAll: event.endsWith('-all'), text }
}

/** A chat token starts a grant of its own, so a rule on that grant is a rule on the token. */
function handleIn(target: Exclude<Target, CutoffTarget>, source: Source): Handle | undefined {
  if (target.kind === 'token') return target.source === source ? target.handle : undefined
  if (target.kind !== 'grant' || target.source !== source) return undefined
  return parseHandle(`tok_${target.grant.slice('grt_'.length)}`)
}

type CutoffOf = { readonly cutoff: CutoffTarget; readonly seq: number; readonly source: Source }

async function cutoffData(realm: Realm, { cutoff, seq, source }: CutoffOf): Promise<Data | undefined> {
  const { shape, principals, issuedBeforeMs } = cutoff
  if (shape !== 'realm' && principals.source !== source) return undefined
  const dated = issuedBeforeMs === undefined ? {} : { issuedBefore: formatInstant(issuedBeforeMs) }
  const before = { position: seq, ...dated }
  if (shape === 'realm' || shape === 'source') return { client: null, ...before }
  // A chat token's subject is its client; it has no tenant.
  const named = shape === 'client' ? principals.client : principals.subject
  const isOurs = shape === 'client' || shape === 'subject' || shape === 'subject+client'
  if (!isOurs || named === undefined) return undefined
  if (shape === 'subject+client' && principals.client !== named) return undefined
  return { client: named, ...before, ...(await handlesOf(realm, { source, client: named })) }
}

/** The client's oldest tokens that are over, revoked or suspended: what this cutoff ended is among them. */
async function handlesOf(realm: Realm, client: { source: Source; client: string }): Promise<object> {
  const ask = { ...client, after: undefined, limit: EVENT_HANDLES_MAX }
  const { records, next } = await realm.store.tokensOfClient(realm.ordinal, ask)
  const over = records.filter((record) => realm.judge(record).kind !== 'active')
  return { tokens: over.map(({ handle }) => handle), complete: next === undefined }
}
