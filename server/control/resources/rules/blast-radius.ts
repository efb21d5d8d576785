import { ISSUERS, type Realm } from '@rescind/authority'
import { isSuspended } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { countCredentialsEnded } from '@rescind/dialects'
import { wasUsedLately } from '../../../receipts/last-use.ts'
import { type PreviewJson, previewOf, summaryOf } from '../../../rules/preview.ts'
import { anyCovers, type Resolved } from '../../../rules/resolved.ts'
import { sizeBy, takenAlong } from '../../../rules/size.ts'
import type { Sources } from '../../../rules/sources.ts'
import type { Ask } from '../../frame/endpoint.ts'
import { TIMEOUT_MS } from './timeout.ts'

type Asked = {
  readonly resolved: Resolved
  /** How long to go on counting. */
  readonly timeoutMs: number | undefined
  readonly keepCredentials: boolean | undefined
}

/** Counts what a rule would end now, as far as it is recorded here, and describes the rest. Call it within a scan. */
export async function blastRadius(
  { realm, parts }: Pick<Ask, 'realm' | 'parts'>,
  { resolved, timeoutMs = TIMEOUT_MS, keepCredentials = false }: Asked,
): Promise<PreviewJson> {
  const { monotonicMs } = parts
  const deadlineMs = monotonicMs() + timeoutMs
  const { targets } = resolved
  const along = keepCredentials ? [] : await takenAlong(realm, targets)
  const wasUsed = wasUsedLately(realm)
  const counted = await previewOf(realm, { resolved, along, deadlineMs, monotonicMs, wasUsed })
  const credentials = keepCredentials ? 0 : await countCredentialsEnded(realm, targets)
  const what = await notRecorded(realm, targets, parts.sources)
  if (what === undefined) return { ...counted, credentials }
  const usedLast15Minutes = usedLately(realm, targets)
  return {
    ...counted,
    complete: false,
    credentials,
    notCounted: { what, usedLast15Minutes },
    summary: `${summaryOf(counted, false)}; not counted: ${what}, ${usedLast15Minutes} of them seen in the last 15 minutes`,
  }
}

/** Counting stops here, because it runs in one turn of the event loop. */
const USED_MAX = 1_000

function usedLately(realm: Realm, targets: readonly Target[]): number {
  let count = 0
  for (const facts of realm.acceptances.foreign.recent(realm.nowMs())) {
    if (!anyCovers(targets, facts)) continue
    const verdict = realm.judge(facts)
    if (verdict.kind === 'active' || isSuspended(verdict)) count += 1
    if (count === USED_MAX) break
  }
  return count
}

const OF_ISSUERS = 'tokens of registered issuers, which are recorded nowhere here'

async function notRecorded(
  realm: Realm,
  targets: readonly Target[],
  sources: Sources,
): Promise<string | undefined> {
  const whats = new Set<string>()
  for (const target of targets) {
    if (await mayBeOfIssuer(realm, target)) whats.add(OF_ISSUERS)
    for (const what of await sources.unseen(realm, target)) whats.add(what)
  }
  return whats.size === 0 ? undefined : [...whats].join(', and ')
}

/** A thumbprint and the whole realm name no source, so they cover foreign tokens wherever an issuer is registered. */
async function mayBeOfIssuer(realm: Realm, target: Target): Promise<boolean> {
  if (target.kind === 'foreign') return true
  if (sizeBy(target) !== 'unseen') return false
  const isAnySource = target.kind === 'key' || (target.kind === 'cut' && target.shape === 'realm')
  return (
    !isAnySource || (await realm.directory.page(ISSUERS, { after: undefined, limit: 1 })).entries.length > 0
  )
}
