import { covers, joined, type Realm, tokensOfTargets } from '@rescind/authority'
import { isWholeRecord, type Position, seqOf, type TokenRecord } from '@rescind/core'
import { formatInstant } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { isForeignSource } from '@rescind/core/tokens'
import type { Enforcement, Feed, InstanceView } from '@rescind/feed'
import { nextTurn } from '../machine/turns.ts'
import type { Enforcement as Enforcing } from './enforcement.ts'
import type {
  AcceptorJson,
  DroppedJson,
  ExposureJson,
  Gap,
  SilentJson,
  TokenExposureJson,
} from './exposure-json.ts'
import { revocationId, type Written } from './receipt.ts'
import { type Accepted, acceptancesOf, droppedBy, hashOf, type TokenName } from './stored-acceptances.ts'
import { ACCEPTANCES_KEPT_MS } from './write-acceptances.ts'

/** Tokens in one evidence file. */
const EXPOSURE_TOKENS_MAX = 1_000
/** Pages that are read for it, accepted tokens or not. */
const PAGES_MAX = 8
/** How far back a rule over principals is looked into, if nothing else is asked for. */
const PRINCIPALS_SINCE_MS = 86_400_000
/** Bounded reads of tokens for one page. */
const READS_MAX = 64
const TOKENS_PER_READ = 500
/** Covered tokens that are looked up for one page, accepted or not. */
const COVERED_MAX = 2_000
/** Of these, at a time. */
const TOGETHER = 50
const MINUTE_MS = 60_000

export type ExposureParts = { readonly feed: Feed; readonly enforcement: Pick<Enforcing, 'now'> }

type Page = {
  readonly sinceMs?: number | undefined
  /** The place of the page: undefined for the first. */
  readonly after?: number | undefined
  readonly limit: number
}

/** Who accepted what a revocation covers, for an evidence file. @throws StoreUnavailable. */
export async function exposureOf(
  realm: Realm,
  written: Written,
  parts: ExposureParts,
): Promise<ExposureJson> {
  const tokens: TokenExposureJson[] = []
  let covered = 0
  let after: number | undefined
  for (let pages = 1; ; pages += 1) {
    const limit = EXPOSURE_TOKENS_MAX - tokens.length
    const { json, next } = await exposurePage(realm, written, { parts, page: { after, limit } })
    tokens.push(...json.tokens)
    covered += json.covered
    after = next
    if (after === undefined) return { ...json, tokens, covered }
    if (tokens.length >= EXPOSURE_TOKENS_MAX || pages === PAGES_MAX)
      return { ...json, tokens, covered, truncated: true }
    await nextTurn()
  }
}

/** One page of the tokens that a revocation covers. @throws StoreUnavailable. */
export async function exposurePage(
  realm: Realm,
  written: Written,
  { parts, page }: { readonly parts: ExposureParts; readonly page: Page },
): Promise<{ readonly json: ExposureJson; readonly next: number | undefined }> {
  const targets = written.rules.map(({ target }) => target)
  const named = targets.flatMap((target) => nameOf(target) ?? [])
  const isNamed = named.length > 0 && named.length === targets.length
  const sinceMs = page.sinceMs ?? (isNamed ? 0 : written.atMs - PRINCIPALS_SINCE_MS)
  const listed = new Listed(realm, sinceMs)
  if (page.after === undefined) await listed.add(named, true)
  const skip = new Set(named.filter((name) => typeof name === 'string'))
  const next = await listCovered(realm, { written, targets, page, listed, skip })
  const { enforcedAt } = await parts.enforcement.now(realm, written)
  const instances = parts.feed.of(realm).instances.enforcement(seqOf(written.at))
  const json = {
    revocation: revocationId(written.at),
    enforcedAt,
    ...(await exposureJson(realm, listed, { sinceMs, instances, gaps: gapsOf(realm, written, targets) })),
  }
  return { json, next }
}

/** Who accepted one token. @throws StoreUnavailable. */
export async function exposureOfToken(
  realm: Realm,
  name: TokenName,
  {
    parts,
    sinceMs = 0,
  }: { readonly parts: Pick<ExposureParts, 'feed'>; readonly sinceMs?: number | undefined },
): Promise<ExposureJson> {
  const listed = new Listed(realm, sinceMs)
  await listed.add([name], true)
  await parts.feed.refresh()
  const instances = parts.feed.of(realm).instances.views()
  return exposureJson(realm, listed, { sinceMs, instances, gaps: ['unwritten'] })
}

/** The tokens of an answer, with those who accepted them. */
class Listed {
  readonly tokens: TokenExposureJson[] = []
  covered = 0
  readonly #realm: Realm
  readonly #sinceMs: number

  constructor(realm: Realm, sinceMs: number) {
    this.#realm = realm
    this.#sinceMs = sinceMs
  }

  /** @param always also lists those that nobody accepted. */
  async add(names: readonly TokenName[], always: boolean): Promise<void> {
    this.covered += names.length
    const found = await Promise.all(names.map((name) => acceptancesOf(this.#realm, name)))
    for (const [at, name] of names.entries()) {
      const all = found[at] ?? []
      const accepted = all.filter(({ lastMs }) => lastMs + MINUTE_MS > this.#sinceMs).map(acceptorJson)
      if (!always && accepted.length === 0) continue
      this.tokens.push({ ...(typeof name === 'string' ? { handle: name } : name), accepted })
    }
  }
}

function acceptorJson({ acceptor: { by, name }, firstMs, lastMs, instances }: Accepted): AcceptorJson {
  return {
    ...{ by, name, instances: instances.length === 0 ? undefined : instances },
    claimed: by === 'verifier',
    ...{ first: formatInstant(firstMs), last: formatInstant(lastMs) },
  }
}

type Listing = {
  readonly written: Written
  readonly targets: readonly Target[]
  readonly page: Page
  readonly listed: Listed
  /** Tokens that are listed by name. */
  readonly skip: ReadonlySet<string>
}

/** @returns where the next page begins. */
async function listCovered(
  realm: Realm,
  { written, targets, page, listed, skip }: Listing,
): Promise<number | undefined> {
  const pages = tokensOfTargets(realm, targets)
  let after = page.after
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const room = Math.min(page.limit - listed.tokens.length, COVERED_MAX - listed.covered)
    if (room <= 0) return after ?? 0
    const limit = Math.min(TOKENS_PER_READ, room)
    const { records, next } = await pages({ after, limit })
    for (let at = 0; at < records.length; at += TOGETHER) {
      await nextTurn()
      const some = await Promise.all(records.slice(at, at + TOGETHER).map((stored) => whole(realm, stored)))
      const own = some.filter((record) => !skip.has(record.handle) && isCovered(record, targets, written.at))
      await listed.add(
        own.map(({ handle }) => handle),
        false,
      )
    }
    after = next
    if (after === undefined) return undefined
  }
  return after
}

async function whole(realm: Realm, record: TokenRecord): Promise<TokenRecord> {
  return isWholeRecord(record) ? record : realm.whole(record)
}

function isCovered(record: TokenRecord, targets: readonly Target[], at: Position): boolean {
  return targets.some((target) => covers(target, record) && (target.kind !== 'cut' || record.position < at))
}

function nameOf(target: Target): TokenName | undefined {
  switch (target.kind) {
    case 'token':
      return target.handle
    case 'foreign':
      return { issuer: target.issuer, jti: target.jti }
    case 'grant':
    case 'session':
    case 'key':
    case 'cut':
      return undefined
  }
}

type Saying = {
  readonly sinceMs: number
  readonly instances: readonly (InstanceView & Partial<Pick<Enforcement, 'state'>>)[]
  readonly gaps: readonly Gap[]
}

async function exposureJson(
  realm: Realm,
  { tokens, covered }: Listed,
  { sinceMs, instances, gaps }: Saying,
): Promise<ExposureJson> {
  return {
    complete: false,
    since: sinceMs === 0 ? undefined : formatInstant(sinceMs),
    covered,
    tokens,
    missing: {
      dropped: await droppedJson(realm, sinceMs),
      verifiers: instances.flatMap((one) => silentJson(realm, one) ?? []),
      gaps,
    },
  }
}

async function droppedJson(realm: Realm, sinceMs: number): Promise<readonly DroppedJson[]> {
  const all = new Map<string, Awaited<ReturnType<typeof droppedBy>>[number]>()
  for (const one of await droppedBy(realm)) {
    if (one.dropped.untilMs < sinceMs) continue
    const hash = hashOf(one.acceptor)
    const known = all.get(hash)
    all.set(hash, known === undefined ? one : { ...one, dropped: joined(known.dropped, one.dropped) })
  }
  return [...all.values()].map(({ acceptor: { by, name }, dropped: { count, sinceMs: from, untilMs } }) => ({
    ...{ by, name, count },
    ...{ since: formatInstant(from), until: formatInstant(untilMs) },
  }))
}

function silentJson(realm: Realm, one: Saying['instances'][number]): SilentJson | undefined {
  const why = [
    ...(one.state === 'pending' ? (['behind'] as const) : []),
    ...(one.lapsed ? (['lapsed'] as const) : []),
    ...(one.connected ? [] : (['disconnected'] as const)),
    ...(one.onStale === 'allow' ? (['allowsStale'] as const) : []),
    ...(one.reports ? [] : (['neverReports'] as const)),
  ]
  if (why.length === 0) return undefined
  const { verifier, instance, label, lastContactMs } = one
  const name = verifier.slice(realm.name.length + 1)
  return { verifier: name, instance, label, why, lastContact: formatInstant(lastContactMs) }
}

function gapsOf(realm: Realm, { atMs }: Written, targets: readonly Target[]): readonly Gap[] {
  const gaps: Gap[] = ['unwritten']
  if (targets.some((target) => target.kind !== 'token' && target.kind !== 'foreign')) gaps.push('collected')
  if (targets.some(mayBeForeign)) gaps.push('foreign')
  if (realm.nowMs() - atMs > ACCEPTANCES_KEPT_MS) gaps.push('expired')
  return gaps
}

/** Whether it may cover tokens of registered issuers other than those that it names. */
function mayBeForeign(target: Target): boolean {
  switch (target.kind) {
    case 'token':
    case 'foreign':
    case 'grant':
      return false
    case 'key':
      return true
    case 'session':
      return isForeignSource(target.source)
    case 'cut':
      return target.shape === 'realm' || isForeignSource(target.principals.source)
  }
}
