import type { Realms } from '@rescind/authority'
import type { Feed } from '@rescind/feed'
import type { NodeJson } from '../control/resources/stats/stats-json.ts'
import type { ClassRate, RequestTimes } from '../machine/request-times.ts'
import type { Trouble } from '../machine/troubles.ts'

type NodeParts = {
  readonly realms: Realms
  readonly feed: Feed
  readonly times: RequestTimes
  readonly troubles: () => readonly Trouble[]
}

/** The name of the node where there is one only. */
const ALONE = 'alone'

/** What this process does, for the stats. */
export function nodeJson({ realms, feed, times, troubles }: NodeParts): NodeJson {
  const { seconds, classes } = times.window()
  return {
    node: realms.nodes?.self ?? ALONE,
    windowSeconds: seconds,
    requests: classes.filter(({ requests }) => requests > 0).map((one) => rateJson(one, seconds)),
    writesWaiting: realms.ledger.waiting,
    feedSubscribers: feed.readers,
    troubles: troubles().length,
  }
}

function rateJson(
  { class: name, requests, refused, failed, times }: ClassRate,
  seconds: number,
): NodeJson['requests'][number] {
  const perSecond = (count: number): number => Math.round((count / seconds) * 1_000) / 1_000
  return {
    class: name,
    perSecond: perSecond(requests),
    refusedPerSecond: perSecond(refused),
    failedPerSecond: perSecond(failed),
    p50Ms: boundOf(times.quantile(0.5)),
    p99Ms: boundOf(times.quantile(0.99)),
  }
}

function boundOf(bound: number | undefined): number | null {
  return bound === undefined || bound === Infinity ? null : bound
}
