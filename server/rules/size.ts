import { type Realm, ruleOn } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { isForeignSource } from '@rescind/core/tokens'
import { credentialsEnded } from '@rescind/dialects'
import { approvalLimitOf } from '../records/realm-settings.ts'
import { countUpTo, type PreviewJson } from './preview.ts'
import type { Resolved } from './resolved.ts'
import type { Sources } from './sources.ts'

/** How long the size of a rule is counted. A rule that is not fully counted by then is treated as large. */
const SIZE_DEADLINE_MS = 2_000

/**
 * How the size of a target is known: it is `one` token; or all its tokens are recorded here, so they are `counted`; or
 * some may be `unseen` here, so they cannot be counted.
 */
export type SizeBy = 'one' | 'counted' | 'unseen'

/** A new shape of a target does not compile until it is decided here. */
export function sizeBy(target: Target): SizeBy {
  switch (target.kind) {
    case 'token':
    case 'foreign':
      return 'one'
    case 'grant':
      return 'counted'
    case 'session':
      return bySource(target.source)
    case 'key':
      // A thumbprint names no source, so it may also be that of an issuer's key.
      return 'unseen'
    case 'cut':
      switch (target.shape) {
        case 'realm':
          return 'unseen'
        case 'source':
        case 'tenant':
        case 'subject':
        case 'client':
        case 'subject+client':
        case 'subject+tenant':
        case 'tenant+client':
          return bySource(target.principals.source)
        default:
          return unreachable(target.shape)
      }
    default:
      return unreachable(target)
  }
}

function bySource(source: string): SizeBy {
  return isForeignSource(source) ? 'unseen' : 'counted'
}

/** The realm of a count, and the clock that limits it. */
export type Asking = {
  readonly realm: Realm
  readonly parts: { readonly monotonicMs: () => number; readonly sources: Sources }
}
export type Size = Pick<PreviewJson, 'tokens' | 'complete'>

/** Whether a rule needs a second person here. @returns its size when it does. */
export async function neededApproval(asking: Asking, resolved: Resolved): Promise<Size | undefined> {
  const limit = await approvalLimitOf(asking.realm)
  if (limit === undefined) return undefined
  const size = await sizeOf(asking, resolved, limit)
  return size.tokens <= limit && size.complete ? undefined : size
}

/** Live tokens that a rule covers, counted up to `limit` + 1. Not complete when some cannot be known. */
export async function sizeOf(asking: Asking, resolved: Resolved, limit: number): Promise<Size> {
  const { realm, parts } = asking
  const targets = [...resolved.targets, ...(await takenAlong(realm, resolved.targets))]
  const rest = targets.filter((target) => sizeBy(target) !== 'one')
  const ones = targets.length - rest.length
  if (rest.length === 0) return { tokens: ones, complete: true }
  const { monotonicMs } = parts
  const ask = { deadlineMs: monotonicMs() + SIZE_DEADLINE_MS, monotonicMs, wasUsed: async () => false }
  const { tokens, complete } = await countUpTo(realm, { ...ask, resolved: { targets: rest } }, limit + 1)
  return { tokens: ones + tokens, complete: complete && !(await mayBeUnseen({ realm, parts }, rest)) }
}

/** What ends along with the credentials that these targets end, beyond their own cutoff. Reads only. */
export async function takenAlong(realm: Realm, targets: readonly Target[]): Promise<readonly Target[]> {
  const rules = targets.filter((target) => target.kind === 'cut').map((target) => ruleOn(realm, target))
  const { operations } = await credentialsEnded(realm, { rules }, { by: '', from: '', how: '' })
  return operations.flatMap((one) =>
    one.kind === 'append' && one.row.rule.kind === 'revoke' ? [one.row.rule.target] : [],
  )
}

async function mayBeUnseen({ realm, parts }: Asking, targets: readonly Target[]): Promise<boolean> {
  for (const target of targets) {
    if (sizeBy(target) === 'unseen' || (await parts.sources.unseen(realm, target)).length > 0) return true
  }
  return false
}
