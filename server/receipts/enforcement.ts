import type { Caller, Realm, Sink } from '@rescind/authority'
import { type Position, seqOf } from '@rescind/core'
import { formatInstant, instantOf } from '@rescind/core/bytes'
import type { Enforcement as Enforcing, Feed, Follower } from '@rescind/feed'
import { z } from 'zod'

/** One running verifier, and whether it has applied a revocation. */
export type InstanceJson = {
  readonly verifier: string
  readonly instance: string
  /** Its operator's name for it. */
  readonly label?: string | undefined
  /** The last position that its key holder reported as applied. */
  readonly position?: string | undefined
  /** When its key holder reported the revocation as applied, if that is known. */
  readonly appliedAt?: string | undefined
  /** Milliseconds between the commit and that report. */
  readonly afterMs?: number | undefined
  /** Of a lapsed one: when its bound had passed. */
  readonly lapsedAt?: string | undefined
  readonly state: 'applied' | 'lapsed' | 'behind'
}

/** Whether a revocation is enforced everywhere, and by whose word. */
export type EnforcementJson = {
  readonly enforced: boolean
  readonly enforcedBy?: 'instances' | 'none-known' | undefined
  readonly enforcedAt?: string | undefined
  readonly effectiveBy?: string | undefined
  readonly instanceCount: number
  readonly instances: InstanceJson[]
  readonly laggards: InstanceJson[]
}

/** A revocation, by its row. */
export type Committed = { readonly at: Position; readonly atMs: number }

/** The verifiers that follow the feed, asked about one revocation. */
export type Enforcement = {
  /** Resolves when every instance has applied the revocation or has lapsed, or when the time is up. */
  readonly wait: (realm: Realm, at: Position, timeoutMs: number) => Promise<void>
  /** How things stand now, over all nodes. @throws StoreUnavailable. */
  readonly now: (realm: Realm, of: Committed) => Promise<EnforcementJson>
  /** A place for a stream about one revocation; undefined when there are too many. See `Feed.follow`. */
  readonly follow: (
    realm: Realm,
    caller: Caller,
    begin: (sink: Sink) => Follower,
  ) => ((sink: Sink) => void) | undefined
  /** How long a stream pauses between two looks: all streams of a realm take some five per cent of a core at most. */
  readonly pauseMs: (realm: Realm) => number
}

/** A look takes about half a microsecond for each instance. */
const PAUSE_MIN_MS = 100
const PAUSE_PER_INSTANCE_MS = 0.01

/** Enforcement as the feed knows it from acknowledgements. */
export function feedEnforcement(feed: Feed): Enforcement {
  return {
    wait: async (realm, at, timeoutMs) => {
      await feed.of(realm).instances.enforced(seqOf(at), timeoutMs)
    },
    now: async (realm, of) => {
      await feed.refresh()
      const list = feed.of(realm).instances.enforcement(seqOf(of.at))
      return enforcementJson(realm, list, of.atMs)
    },
    follow: (realm, caller, begin) => feed.follow(realm, caller, begin),
    pauseMs: (realm) => {
      const { followers, instances } = feed.of(realm)
      return Math.max(PAUSE_MIN_MS, instances.size * followers.size * PAUSE_PER_INSTANCE_MS)
    },
  }
}

function enforcementJson(realm: Realm, list: readonly Enforcing[], committedMs: number): EnforcementJson {
  const instances = list.map((one) => instanceJson(realm, one, committedMs)).sort(byName)
  const laggards = instances.filter(({ state }) => state === 'behind')
  const counted = { instanceCount: instances.length, instances, laggards }
  if (laggards.length > 0) return { enforced: false, ...counted }
  if (instances.length === 0) return { enforced: true, enforcedBy: 'none-known', ...counted }
  const atMs = enforcedAtMs(list, committedMs)
  const times =
    atMs === undefined
      ? {}
      : { enforcedAt: formatInstant(atMs), effectiveBy: formatInstant(atMs + largestCacheMs()) }
  return { enforced: true, enforcedBy: 'instances', ...times, ...counted }
}

/** The last time that any of them may have accepted it; undefined unless the times of all are known. */
function enforcedAtMs(list: readonly Enforcing[], committedMs: number): number | undefined {
  let lastMs = committedMs
  for (const { appliedAtMs, lapsedAtMs } of list) {
    const atMs = appliedAtMs ?? lapsedAtMs
    if (atMs === undefined) return undefined
    lastMs = Math.max(lastMs, atMs)
  }
  return lastMs
}

/**
 * The longest that anything behind an instance may go on answering from memory. The one place for it: an instance has no
 * way to announce such a cache, so none is known, and what gateways keep is the operator's to add (docs/gateways.md).
 */
function largestCacheMs(): number {
  return 0
}

function byName(one: InstanceJson, other: InstanceJson): number {
  const [a, b] = [`${one.verifier} ${one.instance}`, `${other.verifier} ${other.instance}`]
  return a < b ? -1 : Number(a > b)
}

function instanceJson(realm: Realm, one: Enforcing, committedMs: number): InstanceJson {
  const { verifier, instance, label, state, position, appliedAtMs, lapsedAtMs } = one
  return {
    ...{ verifier: verifier.slice(realm.name.length + 1), instance, label, position },
    state: state === 'pending' ? 'behind' : state,
    appliedAt: instantOf(appliedAtMs),
    afterMs: appliedAtMs === undefined ? undefined : Math.max(0, appliedAtMs - committedMs),
    lapsedAt: instantOf(lapsedAtMs),
  }
}

const INSTANCE: z.ZodType<InstanceJson> = z
  .strictObject({
    verifier: z.string(),
    instance: z.string(),
    label: z.string().optional(),
    position: z.string().optional(),
    appliedAt: z
      .string()
      .optional()
      .describe('Absent where it is not known: times are kept in memory, the newest 256 of an instance'),
    afterMs: z.number().optional(),
    lapsedAt: z.string().optional().describe('When it was silent for longer than its bound, and so refuses'),
    state: z.enum(['applied', 'lapsed', 'behind']),
  })
  .meta({ id: 'Instance', description: 'That it was applied is the word of whoever holds the verifier key' })

type Members = {
  readonly [name in keyof EnforcementJson]-?: z.ZodOptional<z.ZodType<EnforcementJson[name]>>
}

/** The members of `EnforcementJson` in a receipt; one whose enforcement was not asked about has none of them. */
export const ENFORCEMENT: Members = {
  enforced: z
    .boolean()
    .optional()
    .describe('No known instance accepts what is covered: each has said so, or lapsed'),
  enforcedBy: z
    .enum(['instances', 'none-known'])
    .optional()
    .describe(
      'Whose word `enforced` is. none-known: no verifier is known that could have accepted it, so nobody has said ' +
        'anything; this proves nothing about services that judge elsewhere',
    ),
  enforcedAt: z
    .string()
    .optional()
    .describe('When the last instance had applied it or lapsed; absent unless all their times are known'),
  effectiveBy: z
    .string()
    .optional()
    .describe('enforcedAt, and the largest cache that an instance announces behind it'),
  instanceCount: z.int().optional().describe('How many instances that is about'),
  instances: z.array(INSTANCE).optional(),
  laggards: z.array(INSTANCE).optional().describe('Those of them that are behind'),
}
