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

/** Handles in the event of a cutoff; `complete` says whether there were more. */
const EVENT_HANDLES_MAX = 100

/** The app, and perhaps the one client, that a stream is about. */
export type Audience = { readonly source: Source; readonly client: string | undefined }

/** A log row as an event for the streams of one app. */
export type LiveEvent = {
  /** The client whose tokens are affected; null for all clients, or for a token whose client is no longer known. */
  readonly client: string | null
  readonly isOfAll: boolean
  /** The event as sent: one token, or all of a client or of all clients, revoked or suspended. */
  readonly text: string
}

/** An expired token, as sent to the streams of its app. */
export type Expired = { readonly client: string | null; readonly data: string }

/** What a row of each kind does to the tokens that it names; undefined: nothing. */
const WORDS: Readonly<Record<RowKind, 'revoked' | 'suspended' | undefined>> = {
  revoke: 'revoked',
  hold: 'suspended',
  release: undefined,
  change: undefined,
  epoch: undefined,
}

/** Whether a stream of one client or of the whole app gets this event. */
export function isFor({ client, isOfAll }: LiveEvent, { client: of }: Audience): boolean {
  return of === undefined || client === of || (isOfAll && client === null)
}

/** @returns undefined for a row that ends no token of this source. */
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
  // The record is collected, so its client is unknown; the token had expired by then.
  const client = record?.client ?? null
  return eventOf(word, { client, token: handle, at })
}

type Data = { readonly client: string | null } & Readonly<Record<string, unknown>>

function eventOf(event: `${'revoked' | 'suspended'}${'' | '-all'}`, data: Data): LiveEvent {
  const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
  return { client: data.client, isOfAll: event.endsWith('-all'), text }
}

/** Each chat token is the root of its own grant, so a rule on the grant is a rule on the token. */
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

/** Those of the client's oldest tokens that are over. If complete, they include all that this cutoff ended. */
async function handlesOf(realm: Realm, client: { source: Source; client: string }): Promise<object> {
  const ask = { ...client, after: undefined, limit: EVENT_HANDLES_MAX }
  const { records, next } = await realm.store.tokensOfClient(realm.ordinal, ask)
  const over = records.filter((record) => realm.judge(record).kind !== 'active')
  return { tokens: over.map(({ handle }) => handle), complete: next === undefined }
}
