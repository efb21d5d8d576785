import { idsNamed, namesOfTargets, type Realm, type TokenPage } from '@rescind/authority'
import { isSuspended, isWholeRecord, Overloaded, type TokenRecord } from '@rescind/core'
import { sextetsAt, sha256Base64url } from '@rescind/core/bytes'
import type { Target } from '@rescind/core/log'
import { SINGLE_USE } from '@rescind/core/tokens'
import { z } from 'zod'
import { nextTurn } from '../machine/turns.ts'
import { COVERS, type CoversJson, coversJson } from '../receipts/covers-json.ts'
import { anyCovers, type Resolved } from './resolved.ts'

/**
 * Rules that may be counted at once before they are written; further ones get 503. Previews have their own limit
 * (`inScan`).
 */
export const COUNTS_MAX = 64
/** The most distinct names that are counted. */
const NAMES_MAX = 250_000
const PAGE = 1_000
/** Live tokens of a name that are counted exactly; of one that more bear, all numbers are at least. */
export const NAMED_MAX = 1_000
/** Tokens judged between two turns of the event loop. */
const JUDGED_PER_TURN = 50

type Largest = { readonly name: string; readonly source?: string | undefined; readonly tokens: number }

/** Tokens without a record here: they cannot be counted, but some were seen. */
export type NotCounted = { readonly what: string; readonly usedLast15Minutes: number }

/** The blast radius of a rule. Every number is a lower bound unless `complete` says that counting finished. */
export type PreviewJson = {
  readonly dryRun: true
  readonly covers: CoversJson
  readonly complete: boolean
  readonly tokens: number
  readonly grants: number
  readonly subjects: number
  readonly clients: number
  readonly tenants: number
  readonly largest: {
    readonly grant?: Largest | undefined
    readonly subject?: Largest | undefined
    readonly client?: Largest | undefined
    readonly tenant?: Largest | undefined
  }
  readonly usedLast15Minutes: number
  readonly credentials?: number | undefined
  readonly alsoEnds?: readonly string[] | undefined
  readonly notCounted?: NotCounted | undefined
  readonly summary: string
  readonly digest: string
}

const count = z.int().min(0)
const largest = z.strictObject({ name: z.string(), source: z.string().optional(), tokens: count }).optional()

export const PREVIEW: z.ZodType<PreviewJson> = z
  .strictObject({
    dryRun: z.literal(true),
    covers: COVERS,
    complete: z
      .boolean()
      .describe('Whether all that it covers was counted; if not, all numbers are at least'),
    ...{ tokens: count, grants: count, subjects: count, clients: count, tenants: count },
    largest: z.strictObject({ grant: largest, subject: largest, client: largest, tenant: largest }),
    usedLast15Minutes: count.describe('Of these tokens, those that were used; verifiers report it'),
    credentials: count
      .optional()
      .describe('API keys and application credentials of Identity users that end with it'),
    alsoEnds: z
      .array(z.string())
      .readonly()
      .optional()
      .describe('Of an Identity user: password, secondFactors'),
    notCounted: z
      .strictObject({
        what: z.string(),
        usedLast15Minutes: count.describe('Those that verifiers and gateways asked this server about'),
      })
      .optional()
      .describe('Tokens that it covers without their being recorded here; then complete is false'),
    summary: z.string(),
    digest: z.string().describe('What ifPreview takes'),
  })
  .meta({ id: 'Preview' })

export type CountAsk = {
  readonly resolved: Resolved
  /** Targets that end in the same write besides the named ones. */
  readonly along?: readonly Target[]
  readonly deadlineMs: number
  readonly monotonicMs: () => number
  /** Whether a token was used within the last 15 minutes. */
  readonly wasUsed: (record: TokenRecord) => Promise<boolean>
}

let counting = 0

/** Counts what a rule would end now. */
export function previewOf(realm: Realm, ask: CountAsk): Promise<PreviewJson> {
  return counted(realm, ask, { named: NAMED_MAX + 1, scanned: Number.MAX_SAFE_INTEGER })
}

/** The same, but counts at most this many tokens. @throws Overloaded when too many rules are counted at once. */
export async function countUpTo(realm: Realm, ask: CountAsk, tokensMax: number): Promise<PreviewJson> {
  if (counting >= COUNTS_MAX) throw new Overloaded('too many rules are being counted')
  counting += 1
  try {
    return await counted(realm, ask, { named: tokensMax, scanned: tokensMax })
  } finally {
    counting -= 1
  }
}

/** Tokens at which counting stops, by the index of names and by reading all tokens. */
type CountMax = { readonly named: number; readonly scanned: number }

async function counted(realm: Realm, ask: CountAsk, max: CountMax): Promise<PreviewJson> {
  const named = new Tally(max.named)
  const byName = await countByName(realm, ask, named)
  const tally = byName === undefined ? new Tally(max.scanned) : named
  const complete = byName ?? (await countAll(realm, ask, tally))
  return tally.json(realm, ask.resolved, complete ? await tally.identities() : undefined)
}

/** @returns whether every token was examined; undefined when the store cannot find them by name. */
async function countByName(realm: Realm, ask: CountAsk, tally: Tally): Promise<boolean | undefined> {
  const sought = namesOfTargets([...ask.resolved.targets, ...(ask.along ?? [])])
  if (sought === undefined) return undefined
  let isReady = true
  const page: Page = async (after_) => {
    const found = await realm.store.tokensNamed(realm.ordinal, { ...sought, after: after_, limit: PAGE })
    isReady = found !== undefined
    return found ?? { records: [], next: undefined }
  }
  const complete = await countPages(realm, ask, { tally, page, skip: () => false })
  return isReady ? complete : undefined
}

type Page = (after: number | undefined) => Promise<TokenPage>

/** @returns whether every token was examined. */
async function countAll(realm: Realm, ask: CountAsk, tally: Tally): Promise<boolean> {
  const { targets } = ask.resolved
  const clients = targets.flatMap((target) => clientOf(target) ?? [])
  // The index by client comes first, so that a small client of a large realm is counted in full.
  for (const of of clients) {
    const page: Page = (after_) =>
      realm.store.tokensOfClient(realm.ordinal, { ...of, after: after_, limit: PAGE })
    if (!(await countPages(realm, ask, { tally, page, skip: () => false }))) return false
  }
  const skip = (record: TokenRecord): boolean =>
    clients.some(({ source, client }) => record.source === source && record.client === client)
  // Descendants may belong to other grants and clients, so all of them are examined.
  const oneOf = targets.map(idsNamed)
  const page: Page = (after_) => realm.store.tokens(realm.ordinal, { oneOf, after: after_, limit: PAGE })
  return countPages(realm, ask, { tally, page, skip })
}

type Counting = {
  readonly tally: Tally
  readonly page: Page
  readonly skip: (record: TokenRecord) => boolean
}

async function countPages(realm: Realm, ask: CountAsk, { tally, page, skip }: Counting): Promise<boolean> {
  let next: number | undefined
  do {
    if (ask.monotonicMs() >= ask.deadlineMs || tally.full) return false
    const { records, next: following } = await page(next)
    const consumed = await consumedOf(realm, records)
    for (let at = 0; at < records.length; at += JUDGED_PER_TURN) {
      if (at > 0) await nextTurn()
      const isCounted = (one: TokenRecord): boolean => !skip(one) && !consumed.has(one.handle)
      const some = records.slice(at, at + JUDGED_PER_TURN).filter(isCounted)
      // Together, because a store may be a round trip away.
      const lost = await Promise.all(some.map((stored) => lostBy(realm, ask, stored)))
      for (const one of lost) {
        if (one === undefined) continue
        if (tally.full) return false
        tally.add(one.record, one.used)
      }
    }
    next = following
  } while (next !== undefined)
  return true
}

type Lost = { readonly record: TokenRecord; readonly used: boolean }

/** Undefined: the rule does not cover it, or it is over already. */
async function lostBy(realm: Realm, ask: CountAsk, stored: TokenRecord): Promise<Lost | undefined> {
  const record = isWholeRecord(stored) ? stored : await realm.whole(stored)
  if (!anyCovers(ask.resolved.targets, record) && !anyCovers(ask.along ?? [], record)) return undefined
  return isNotOver(realm, record) ? { record, used: await ask.wasUsed(record) } : undefined
}

/** Whether the token would be lost to its bearer. A held token counts, because it may be released. */
export async function isLive(realm: Realm, record: TokenRecord): Promise<boolean> {
  if (!isNotOver(realm, record)) return false
  if (!SINGLE_USE.has(record.kind)) return true
  return (await realm.store.consumption(realm.ordinal, record.handle)) === undefined
}

function isNotOver(realm: Realm, record: TokenRecord): boolean {
  const verdict = realm.judge(record)
  return verdict.kind === 'active' || isSuspended(verdict)
}

/** Single-use tokens of a page that are consumed, by one read. */
async function consumedOf(realm: Realm, records: readonly TokenRecord[]): Promise<ReadonlySet<string>> {
  const handles = records.filter(({ kind }) => SINGLE_USE.has(kind)).map(({ handle }) => handle)
  return handles.length === 0 ? new Set() : realm.store.consumed(realm.ordinal, handles)
}

type OfClient = { readonly source: string; readonly client: string }

function clientOf(target: Target): OfClient | undefined {
  if (target.kind !== 'cut' || target.principals.client === undefined) return undefined
  return { source: target.principals.source, client: target.principals.client }
}

/** Names, each with the number of live tokens that bear it. */
class Names {
  readonly #counts: Map<string, number> = new Map()
  #largest: Largest | undefined

  get size(): number {
    return this.#counts.size
  }

  get largest(): Largest | undefined {
    return this.#largest
  }

  add(source: string, name: string | undefined): void {
    if (name === undefined) return
    const key = `${source}\0${name}`
    const tokens = (this.#counts.get(key) ?? 0) + 1
    this.#counts.set(key, tokens)
    if (tokens > (this.#largest?.tokens ?? 0)) this.#largest = { name, source, tokens }
  }
}

/** Parts of a set of identities, split by hash; this many are sorted between two turns of the event loop. */
const PARTS = 1_024
const PARTS_PER_TURN = 32

/** The identities that are covered, each once. Sorted part by part, because there may be hundreds of thousands. */
class Identities {
  readonly #parts: Set<string>[] = Array.from({ length: PARTS }, () => new Set<string>())
  #size = 0

  get size(): number {
    return this.#size
  }

  add(identity: string): void {
    const hash = sha256Base64url(identity)
    const part = this.#parts[sextetsAt(hash, 0, 2) % PARTS] as Set<string>
    const before = part.size
    part.add(hash)
    this.#size += part.size - before
  }

  async digest(): Promise<string> {
    const digests: string[] = []
    for (const [at, part] of this.#parts.entries()) {
      digests.push(sha256Base64url([...part].sort().join('')))
      if (at % PARTS_PER_TURN === 0) await nextTurn()
    }
    return sha256Base64url(digests.join(''))
  }
}

class Tally {
  readonly #grants: Names = new Names()
  readonly #subjects: Names = new Names()
  readonly #clients: Names = new Names()
  readonly #tenants: Names = new Names()
  readonly #identities: Identities = new Identities()
  readonly #tokensMax: number
  #tokens = 0
  #used = 0

  constructor(tokensMax: number) {
    this.#tokensMax = tokensMax
  }

  get full(): boolean {
    return (
      this.#tokens >= this.#tokensMax || this.#identities.size >= NAMES_MAX || this.#grants.size >= NAMES_MAX
    )
  }

  add({ source, grant, subject, client, tenant }: TokenRecord, used: boolean): void {
    this.#tokens += 1
    if (used) this.#used += 1
    this.#grants.add(source, grant)
    this.#subjects.add(source, subject)
    this.#clients.add(source, client)
    this.#tenants.add(source, tenant)
    this.#identities.add(JSON.stringify([source, subject, client, tenant]))
  }

  /** The digest of all identities. */
  identities(): Promise<string> {
    return this.#identities.digest()
  }

  /** @param identities undefined when they were not all counted. */
  json(realm: Realm, resolved: Resolved, identities: string | undefined): PreviewJson {
    const complete = identities !== undefined
    const counts = {
      tokens: this.#tokens,
      grants: this.#grants.size,
      subjects: this.#subjects.size,
      clients: this.#clients.size,
      tenants: this.#tenants.size,
    }
    return {
      dryRun: true,
      covers: coversJson(resolved.targets, resolved.skewSeconds),
      complete,
      ...counts,
      largest: {
        grant: this.#grants.largest,
        subject: this.#subjects.largest,
        client: this.#clients.largest,
        tenant: this.#tenants.largest,
      },
      usedLast15Minutes: this.#used,
      summary: summaryOf(counts, complete),
      digest: `${ruleDigest(realm, resolved)}.${identities ?? OPEN}`,
    }
  }
}

type Counts = Pick<PreviewJson, 'tokens' | 'grants' | 'subjects' | 'clients' | 'tenants'>

export function summaryOf(counts: Counts, complete: boolean): string {
  const say = (value: number, noun: string): string =>
    `${complete ? '' : '≥ '}${value} ${noun}${value === 1 ? '' : 's'}`
  const of = (['grants', 'subjects', 'clients', 'tenants'] as const).map((name) =>
    say(counts[name], name.slice(0, -1)),
  )
  return `${say(counts.tokens, 'live token')} of ${of.join(', ')}`
}

/** Replaces the identities when not all were counted. */
const OPEN = 'open'

/** Digest of the rule alone: the realm, and what its names were resolved to. */
function ruleDigest(realm: Realm, { targets, record }: Resolved): string {
  const of = record && [record.source, record.subject, record.client, record.tenant, record.grant]
  return sha256Base64url(JSON.stringify([realm.name, targets, of]))
}

/** Whether a preview's digest still matches what would be revoked now. `open` compares only the rule. */
export function isOfPreview(digest: string, now: PreviewJson): boolean {
  const [rule, identities] = digest.split('.')
  const [ruleNow, identitiesNow] = now.digest.split('.')
  return rule === ruleNow && (identities === OPEN || identities === identitiesNow)
}
