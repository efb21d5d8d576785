import { z } from 'zod'

type OpenJson = { readonly open: number; readonly complete: boolean }

/** Numbers of a realm, the same at every node. */
export type ClusterJson = {
  readonly nodes: number
  readonly log: { readonly epoch: number; readonly seq: number; readonly floor: string }
  readonly tokens: {
    readonly at: string
    readonly live: number
    readonly complete: boolean
    readonly sources: { readonly source: string; readonly live: number }[]
  }
  readonly revocations: {
    readonly windowSeconds: number
    readonly since: string
    readonly rules: number
    readonly complete: boolean
  }[]
  readonly holds: OpenJson
  readonly approvals: OpenJson
  readonly schedules: OpenJson
  readonly verifiers: {
    readonly registered: number
    readonly complete: boolean
    readonly instances: number
    readonly applied: number
    readonly behind: number
    readonly lapsed: number
  }
  readonly bulk: { readonly unfinished: number; readonly complete: boolean }
}

/** Numbers of one process, over all realms. */
export type NodeJson = {
  readonly node: string
  readonly windowSeconds: number
  readonly requests: {
    readonly class: string
    readonly perSecond: number
    readonly refusedPerSecond: number
    readonly failedPerSecond: number
    readonly p50Ms: number | null
    readonly p99Ms: number | null
  }[]
  readonly writesWaiting: number
  readonly feedSubscribers: number
  readonly troubles: number
}

export type StatsJson = {
  readonly at: string
  readonly realm: string
  readonly cluster: ClusterJson
  readonly node?: NodeJson | undefined
}

const count = z.int().min(0)
const instant = z.string()
const complete = z.boolean().describe('Whether the count is exact; if not, it is at least that many')

const OPEN = z.strictObject({ open: count, complete })

const CLUSTER: z.ZodType<ClusterJson> = z.strictObject({
  nodes: count.describe('Nodes on the same store, this one included'),
  log: z.strictObject({
    epoch: count,
    seq: count.describe('The end of the log'),
    floor: instant.describe('What expired before it is over, whatever the clock says'),
  }),
  tokens: z
    .strictObject({
      at: instant,
      live: count,
      complete,
      sources: z.array(z.strictObject({ source: z.string(), live: count })),
    })
    .describe('Tokens that are recorded here and live, held ones included; counted at most once a minute'),
  revocations: z
    .array(
      z.strictObject({
        windowSeconds: count,
        since: instant.describe('The beginning of the window; it ends at `at`'),
        rules: count,
        complete,
      }),
    )
    .describe('Rules that the log got, over the last minute, hour and day'),
  holds: OPEN,
  approvals: OPEN.describe('Requests that wait for a second person'),
  schedules: OPEN.describe('Revocations that wait for their time'),
  verifiers: z
    .strictObject({
      registered: count,
      complete,
      instances: count,
      applied: count.describe('Instances that have applied the whole log'),
      behind: count.describe('Instances that have not, and may accept what was revoked'),
      lapsed: count.describe('Instances that were silent for longer than their bound, and refuse'),
    })
    .describe('The services that check tokens, and their running instances at all nodes'),
  bulk: z
    .strictObject({ unfinished: count, complete })
    .describe('Bulk calls with an Idempotency-Key that run, or broke off within a day'),
})

const bound = z.number().nullable()

const NODE: z.ZodType<NodeJson> = z.strictObject({
  node: z.string(),
  windowSeconds: count.describe('Whole seconds before `at` that the requests are about'),
  requests: z
    .array(
      z.strictObject({
        class: z.string(),
        perSecond: z.number(),
        refusedPerSecond: z.number().describe('Answers of 400 to 499'),
        failedPerSecond: z.number().describe('Answers of 500 and above'),
        p50Ms: bound.describe('The bound that half of the answers did not exceed; null: beyond all bounds'),
        p99Ms: bound,
      }),
    )
    .describe('By class; a class without a request in the window is not there'),
  writesWaiting: count,
  feedSubscribers: count,
  troubles: count.describe('What `GET /readyz` names'),
})

export const STATS: z.ZodType<StatsJson> = z
  .strictObject({
    at: instant.describe('When the numbers were read'),
    realm: z.string(),
    cluster: CLUSTER.describe("The realm's numbers, whichever node answers"),
    node: NODE.optional().describe(
      'The numbers of the node that answers, over all realms; for keys of all realms',
    ),
  })
  .meta({ id: 'Stats' })
