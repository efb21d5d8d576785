import { parseInstant, sha256Base64url } from '@rescind/core/bytes'
import { foreignSource } from '@rescind/core/tokens'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem, problem } from '../../../http/problem.ts'
import { FILTERS, type Filters } from '../../../receipts/filters.ts'
import { RECEIPT, type ReceiptJson, receiptJson, type Written } from '../../../receipts/receipt.ts'
import { searchReceipts } from '../../../receipts/search.ts'
import { isOfPreview, PREVIEW, type PreviewJson } from '../../../rules/preview.ts'
import { type Resolved, rulesOf } from '../../../rules/resolved.ts'
import { neededApproval } from '../../../rules/size.ts'
import { writeRules } from '../../../rules/write.ts'
import { type AnswerShape, type Ask, type Endpoint, endpoint } from '../../frame/endpoint.ts'
import { inScan } from '../../frame/limits.ts'
import { answerNumberedPage } from '../../frame/paged.ts'
import { unknownBy } from '../../frame/who.ts'
import { hintFor, NAMES_HINT } from '../names-hint.ts'
import { APPROVAL } from './approval-json.ts'
import { askApproval, revocationAct } from './approvals.ts'
import { blastRadius } from './blast-radius.ts'
import { resolveRule } from './resolve.ts'
import { RULE_MEMBERS, type RuleBody } from './target-schema.ts'
import { TIMEOUT, TIMEOUT_MS } from './timeout.ts'

const PAGE_MAX = 500

export type RevokeBody = RuleBody & {
  readonly dryRun?: boolean | undefined
  readonly ifPreview?: string | undefined
  readonly wait?: 'durable' | 'enforced' | undefined
  readonly timeoutMs?: number | undefined
}

type ActMembers = {
  readonly dryRun: z.ZodOptional<z.ZodBoolean>
  readonly ifPreview: z.ZodOptional<z.ZodString>
  readonly wait: z.ZodOptional<z.ZodEnum<{ durable: 'durable'; enforced: 'enforced' }>>
  readonly timeoutMs: z.ZodOptional<z.ZodInt>
}

/** Members of every call that writes a rule at once. */
export const ACT_MEMBERS: ActMembers = {
  dryRun: z.boolean().optional().describe('Only say what it would end'),
  ifPreview: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("A preview's digest: do it only if that still holds"),
  wait: z.enum(['durable', 'enforced']).optional(),
  timeoutMs: TIMEOUT.optional().describe('How long a preview counts, or how long to wait for enforcement'),
}

const REVOKE_BODY: z.ZodType<RevokeBody> = z
  .strictObject({ ...RULE_MEMBERS, ...ACT_MEMBERS })
  .meta({ id: 'RevocationRequest' })

export const REVOKE_ANSWERS: Readonly<Record<number, AnswerShape>> = {
  200: { what: 'What it would end; nothing was written', schema: PREVIEW },
  201: { what: 'Revoked, durably', schema: RECEIPT },
  202: {
    what: 'It covers more than one person may revoke here: it waits for a second one',
    schema: APPROVAL,
  },
}

/** `POST /control/v1/revocations`: one durable append for all targets. */
const REVOKE: Endpoint = endpoint({
  method: 'POST',
  path: '/revocations',
  operation: 'revoke',
  summary: 'Revoke a token, a grant, a session, a key, or everything of some principals issued so far',
  role: 'responder',
  rateClass: 'revoke',
  body: REVOKE_BODY,
  answers: REVOKE_ANSWERS,
  handle: revoke,
  recover: recovered,
})

/** Writes the rule of a request, or previews it, or asks a second person. */
export async function revoke(ask: Ask<unknown, RevokeBody>): Promise<Answer | Stale> {
  const { body, realm, by, how } = ask
  const resolved = await resolveRule(ask, body)
  if (isAnswer(resolved)) return resolved
  const { ifPreview } = body
  if (body.dryRun === true) return inScan(ask, async () => jsonAnswer(200, await preview(ask, resolved)))
  if (ifPreview !== undefined) {
    const refused = await inScan(ask, async () =>
      isOfPreview(ifPreview, await preview(ask, resolved)) ? STILL_SO : CHANGED,
    )
    if (refused !== STILL_SO) return refused
  }
  const size = await neededApproval(ask, resolved)
  if (size !== undefined) return askApproval(ask, revocationAct(ask, resolved, size), body.reason)
  const { reason, note } = body
  const rules = rulesOf(realm, resolved)
  const written = await writeRules(realm, {
    caller: by.caller,
    rules,
    how,
    reason,
    note,
    skewSeconds: resolved.skewSeconds,
    keepCredentials: body.keepCredentials,
    alsoEnds: body.alsoEnds,
    once: ask.once,
  })
  if (written === 'stale') return 'stale'
  return created(ask.parts, await enforced(ask, written))
}

const STILL_SO: Answer = jsonAnswer(200, {})
const CHANGED: Problem = problem(
  409,
  'ifPreview: the targets cover something else than in this preview; preview again, and send the new digest',
)

/** The blast radius, computed by the code that also decides what is written. */
async function preview(ask: Ask<unknown, RevokeBody>, resolved: Resolved): Promise<PreviewJson> {
  const { timeoutMs, keepCredentials, alsoEnds } = ask.body
  return { ...(await blastRadius(ask, { resolved, timeoutMs, keepCredentials })), alsoEnds }
}

/** The outcome of a request whose answer was lost. */
export async function recovered(
  { realm, parts }: Pick<Ask, 'realm' | 'parts'>,
  once: string,
): Promise<Answer | undefined> {
  const search = { filters: { once }, before: undefined, sinceMs: undefined, untilMs: undefined, limit: 1 }
  const [written] = (await searchReceipts(realm, search)).found
  if (written === undefined) return undefined
  return created(parts, receiptJson(realm, written))
}

/** Waits, if asked to, until every verifier refuses what was revoked. */
async function enforced(ask: Ask<unknown, RevokeBody>, written: Written): Promise<ReceiptJson> {
  const { body, realm, parts } = ask
  const receipt = receiptJson(realm, written)
  if (body.wait !== 'enforced') return receipt
  await parts.enforcement.wait(realm, written.at, body.timeoutMs ?? TIMEOUT_MS)
  return { ...receipt, ...(await parts.enforcement.now(realm, written)) }
}

/** On a shared store it is given only once what it says about other nodes is so. */
function created({ realms }: Ask['parts'], receipt: ReceiptJson): Answer {
  const acknowledged = realms.nodes?.acknowledges
  return jsonAnswer(201, { ...receipt, acknowledged }, { location: `/control/v1/revocations/${receipt.id}` })
}

const text = z.string().min(1).max(1_024).optional()

const LIST_QUERY = z.strictObject({
  ...{ source: text, subject: text, client: text, tenant: text, grant: text, session: text },
  ...{ handle: text, issuer: text, jti: text, key: text, by: text, reason: text },
  cause: text.describe('The id of a hold, a schedule or an approval'),
  since: text.describe('RFC 3339: not before'),
  until: text.describe('RFC 3339: before'),
  limit: z.int().min(1).max(PAGE_MAX).default(100),
  cursor: z.string().max(1_024).optional(),
})

type ListQuery = z.output<typeof LIST_QUERY>

const LIST = z.strictObject({
  revocations: z.array(RECEIPT),
  next: z.string().optional(),
  hint: NAMES_HINT,
})

/** `GET /control/v1/revocations`: receipts of all revocations, also those made through dialects, newest first. */
const LIST_REVOCATIONS: Endpoint = endpoint({
  method: 'GET',
  path: '/revocations',
  operation: 'listRevocations',
  summary: 'Receipts, newest first; by what they name, by whom, why and when',
  role: 'viewer',
  scans: true,
  query: LIST_QUERY,
  answers: { 200: { what: 'A page of them', schema: LIST } },
  handle: list,
})

async function list(ask: Ask<ListQuery>): Promise<Answer> {
  const { realm, query } = ask
  const { limit, cursor, since, until, issuer, ...rest } = query
  if (issuer !== undefined && rest.source !== undefined)
    return problem(422, 'source, issuer: give only one of them')
  const filters: Filters = issuer === undefined ? rest : { ...rest, source: foreignSource(issuer) }
  const [sinceMs, untilMs] = [since, until].map((one) => (one === undefined ? undefined : parseInstant(one)))
  if (since !== undefined && sinceMs === undefined) return problem(422, 'since: not an RFC 3339 instant')
  if (until !== undefined && untilMs === undefined) return problem(422, 'until: not an RFC 3339 instant')
  const of = { realm, list: listName(filters, [since, until]), member: 'revocations' }
  return answerNumberedPage(of, cursor, async (before) => {
    const { found, next } = await searchReceipts(realm, { filters, before, sinceMs, untilMs, limit })
    const isEmpty = found.length === 0 && next === undefined && cursor === undefined
    const unknown = isEmpty ? await unknownBy(ask, filters.by) : undefined
    const hint = isEmpty ? hintFor(rest) : undefined
    return unknown ?? { items: found.map((written) => receiptJson(realm, written)), next, hint }
  })
}

function listName(filters: Filters, times: readonly (string | undefined)[]): string {
  const of = FILTERS.map((name) => filters[name] ?? null)
  return `revocations:${sha256Base64url(JSON.stringify([of, times]))}`
}

export const REVOCATION_ENDPOINTS: readonly Endpoint[] = [REVOKE, LIST_REVOCATIONS]
