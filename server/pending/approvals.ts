import {
  type Audit,
  type Caller,
  type Entry,
  EXPIRING_KINDS,
  isMembers,
  type Outcome,
  type Realm,
  shaped,
  whoOf,
} from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import { commitRules, isKeptRule, type KeptRule, type Ruling, type RulingRows, SERVER } from './kept-rule.ts'
import { PendingKind, type Settling } from './pending.ts'

/** How long a request waits for its second person. */
export const APPROVAL_WAIT_MS = 86_400_000

/** What a second person has to agree to. */
export type ApprovalAct =
  | {
      readonly kind: 'revocation'
      readonly rule: KeptRule
      readonly tokens: number
      readonly complete: boolean
    }
  /** Lowering the demand for approvals. */
  | { readonly kind: 'settings'; readonly approvalAboveTokens: number | null }

export type ApprovalValue = {
  readonly act: ApprovalAct
  /** Id of the control key that made the request. */
  readonly askedBy: string
  /** The person that the key belonged to. Absent: the key had no owner, or the request is from before keys had any. */
  readonly askedByOwner?: string
  readonly askedAtMs: number
  /** When the request lapses. */
  readonly dueAtMs: number
  readonly reason: string
}
export type ApprovalEnd = 'approved' | 'denied' | 'expired'

export const APPROVALS: PendingKind<ApprovalValue, ApprovalEnd> = new PendingKind(
  EXPIRING_KINDS.endedApproval,
  'apr_',
  {
    isValue: (value) => SHAPE(value) && isAct(value['act']),
    states: ['approved', 'denied', 'expired'],
  },
)
const SHAPE = shaped(
  { act: 'members', askedBy: 'text', askedAtMs: 'number', dueAtMs: 'number', reason: 'text' },
  { askedByOwner: 'text' },
)
const REVOCATION = shaped({ kind: ['revocation'], rule: 'members', tokens: 'number', complete: 'flag' })

function isAct(act: unknown): boolean {
  if (!isMembers(act)) return false
  if (act['kind'] !== 'settings') return REVOCATION(act) && isMembers(act['rule']) && isKeptRule(act['rule'])
  const { approvalAboveTokens } = act
  return approvalAboveTokens === null || typeof approvalAboveTokens === 'number'
}

export type EndApproval = {
  readonly entry: Entry<ApprovalValue>
  readonly to: ApprovalEnd
  readonly caller: Caller | undefined
  readonly how: string
  readonly reason?: string | undefined
  readonly keptMs: number
  /** The approved act, for the same write. */
  readonly act?: (audit: Audit) => Ruling | RulingRows
}

/** @returns whether this call ended it; another one may have come first. */
export async function endApproval(realm: Realm, end: EndApproval): Promise<boolean> {
  const { entry, to, caller, reason } = end
  const { askedBy, askedByOwner } = entry.value
  const audit: Audit = {
    ...whoOf(caller ?? SERVER),
    how: end.how,
    why: reason ?? entry.value.reason,
    cause: {
      ...{ code: 'approval', approval: entry.id, askedBy: `control:${askedBy}` },
      ...defined({ askedByOwner }),
    },
  }
  const ended = {
    state: to,
    endedAtMs: realm.nowMs(),
    endedBy: audit.by,
    ...(reason ? { endReason: reason } : {}),
  }
  const before = APPROVALS.end(realm, { entry, ended, audit, keptMs: end.keptMs })
  const dependsOn = caller === undefined ? [] : [caller.dependency]
  const commit = (rows: RulingRows): Promise<Outcome> =>
    realm.commit({ ...rows, realm: realm.ordinal, dependsOn, operations: [...before, ...rows.operations] })
  const act = end.act?.(audit) ?? { operations: [], expects: [] }
  if ('rules' in act) return (await commitRules(realm, act, commit)) !== undefined
  return (await commit(act)).kind === 'applied'
}

/** Ends a request that was not answered in time. */
export async function settleApproval(realm: Realm, id: string, { keptMs, nowMs }: Settling): Promise<void> {
  const found = await APPROVALS.find(realm, id)
  if (found.kind !== 'open' || found.entry.value.dueAtMs > nowMs) return
  await endApproval(realm, {
    entry: found.entry,
    to: 'expired',
    caller: undefined,
    how: 'approval.expired',
    keptMs,
  })
}
