import { assignedMaxSeconds, type RealmSettings } from '@rescind/authority'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import {
  type Known,
  putSettings,
  type SettingsChange,
  settingsOf,
  withChange,
} from '../../records/realm-settings.ts'
import { auditOf, commitChange } from '../frame/change.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { etagOf, isKnown, notModified, unlessMatches } from '../frame/etag.ts'
import { APPROVAL } from './rules/approval-json.ts'
import { askApproval } from './rules/approvals.ts'

/** Ten years, as for assigned chat text. */
const LIFETIME_MAX_SECONDS = 3_650 * 86_400
const TOKENS_MAX = 1_000_000_000

const MAX_LIFETIME = z.int().min(1).max(LIFETIME_MAX_SECONDS)
const APPROVAL_ABOVE = z
  .int()
  .min(0)
  .max(TOKENS_MAX)
  .nullable()
  .describe('Rules over more live tokens than this need the approval of a second key; null: none does')

const SETTINGS_BODY: z.ZodType<SettingsChange> = z
  .strictObject({
    maxLifetimeSeconds: MAX_LIFETIME.nullable()
      .optional()
      .describe('Bounds bound chat text as well; null: the defaults, 400 days, and ten years for bound text'),
    approvalAboveTokens: APPROVAL_ABOVE.optional(),
  })
  .meta({ id: 'SettingsChange' })

const SETTINGS = z
  .strictObject({
    maxLifetimeSeconds: MAX_LIFETIME,
    maxAssignedLifetimeSeconds: MAX_LIFETIME.describe('The longest life of chat text that is bound'),
    highestLifetimeSeconds: MAX_LIFETIME.describe('The most that ever was: rules are kept for that long'),
    approvalAboveTokens: APPROVAL_ABOVE,
  })
  .meta({ id: 'RealmSettings' })

function answer({ version, value }: Known): Answer {
  const { maxLifetimeSeconds, highestLifetimeSeconds, approvalAboveTokens = null } = value
  const body = {
    maxLifetimeSeconds,
    maxAssignedLifetimeSeconds: assignedMaxSeconds(value),
    highestLifetimeSeconds,
    approvalAboveTokens,
  }
  return jsonAnswer(200, body, { etag: etagOf(version) })
}

const READ_SETTINGS: Endpoint = endpoint({
  method: 'GET',
  path: '/settings',
  operation: 'readSettings',
  summary: 'What is decided for this realm',
  role: 'viewer',
  conditional: true,
  answers: { 200: { what: 'The settings', schema: SETTINGS }, 304: { what: 'Not changed since' } },
  handle: async ({ realm, request }) => {
    const known = await settingsOf(realm)
    return isKnown(request, known.version) ? notModified(known.version) : answer(known)
  },
})

const CHANGE_SETTINGS: Endpoint = endpoint({
  method: 'PATCH',
  path: '/settings',
  operation: 'changeSettings',
  summary: 'Change the settings that are given. Asking for fewer approvals itself needs one',
  role: 'admin',
  conditional: true,
  body: SETTINGS_BODY,
  answers: {
    200: { what: 'As they are now', schema: SETTINGS },
    202: {
      what: 'Fewer approvals were asked for: that waits for a second key, all else is done',
      schema: APPROVAL,
    },
  },
  handle: change,
})

async function change(ask: Ask<unknown, SettingsChange>): Promise<Answer | Stale> {
  const { realm, request, body } = ask
  const known = await settingsOf(realm)
  const moved = unlessMatches(request, known.version)
  if (moved !== undefined) return moved
  const { approvalAboveTokens: limit } = body
  const loosens = limit !== undefined && isLooser(limit, known.value.approvalAboveTokens)
  const next = withChange(known.value, loosens ? { ...body, approvalAboveTokens: undefined } : body)
  const written = await write(ask, known, next)
  if (written === 'stale' || !loosens) return written
  const act = { kind: 'settings', approvalAboveTokens: limit } as const
  return askApproval(ask, act, 'fewer approvals')
}

function isLooser(next: number | null, now: number | undefined): boolean {
  return now !== undefined && (next === null || next > now)
}

async function write(ask: Ask, known: Known, next: RealmSettings): Promise<Answer | Stale> {
  const { realm } = ask
  if (JSON.stringify(next) === JSON.stringify(known.value)) return answer(known)
  // Raise the bound before the longer lifetime is allowed, so that rules written meanwhile are kept long enough for it.
  realm.lifetimes.raise(next.highestLifetimeSeconds * 1_000)
  const outcome = await commitChange(ask, putSettings(realm, { known, next, audit: auditOf(ask) }))
  if (outcome.kind !== 'applied') return 'stale'
  realm.lifetimes.settle(next)
  return answer({ version: known.version + 1, value: next })
}

export const SETTINGS_ENDPOINTS: readonly Endpoint[] = [READ_SETTINGS, CHANGE_SETTINGS]
