import { ANY_ACCESS, admit, INACTIVE_WHYS, UNKNOWN_WHYS, unreachable, type Verdict } from '@rescind/core'
import { type ForeignRefused, factsJson, RawToken } from '@rescind/core/tokens'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { checkpointTextOf, headCheckpoint } from '../../judging/checkpoints.ts'
import { FACTS } from '../../judging/facts-schema.ts'
import { type JudgedText, judgeText, unjudgedWords } from '../../judging/judge-token.ts'
import { nameOfKey } from '../frame/by.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { bareOf } from './pasted.ts'
import { textRefused } from './text-refused.ts'

const VERDICT = z.union([
  z.strictObject({ kind: z.literal('active') }),
  z.strictObject({ kind: z.literal('inactive'), why: z.enum(INACTIVE_WHYS) }),
  /** The state cannot be known now; callers must not take it for active or inactive. */
  z.strictObject({ kind: z.literal('unknown'), why: z.enum(UNKNOWN_WHYS) }),
])

const VERIFIED = z.strictObject({
  verdict: VERDICT,
  /** For people: why the text cannot be a token, or is no token of the registered issuer that it names. */
  detail: z.string().optional(),
  /** Facts of a token that is known or proven, live or not. */
  facts: FACTS.optional(),
  /** The verdict holds at this position or a later one; later rules may change it. */
  position: z.string(),
})

/** `POST /control/v1/verify`: one token, judged online, for operators and for verifiers that have not seen it. */
export const VERIFY: Endpoint = endpoint({
  method: 'POST',
  path: '/verify',
  operation: 'verifyToken',
  summary: 'Judge one token: ours, or of a registered issuer (signature, times, audience, rules)',
  role: 'viewer',
  callers: ['control', 'verifier'],
  rateClass: 'read',
  // Verifying changes nothing, and a repeated question must be judged anew.
  idempotency: 'own',
  body: z.strictObject({ token: z.string().min(1) }),
  answers: { 200: { what: 'The verdict, the facts, and the position of both', schema: VERIFIED } },
  handle: verify,
})

async function verify({ parts, realm, by, body }: Ask<unknown, { token: string }>): Promise<Answer> {
  if (by.kind === 'verifier') await parts.feed.questions.turn()
  const raw = RawToken.parse(body.token)
  // Read before judging, so that the verdict holds at least at this position.
  const position = checkpointTextOf(realm, await headCheckpoint(realm))
  const judged = raw === undefined ? NO_TOKEN : await judgeText(realm, parts.keySets, raw)
  const { facts, credential, record } = judged
  const verdict = usableVerdict(judged)
  // A verifier asks because the token was presented to it; an operator only looks it up.
  if (by.kind === 'verifier' && verdict.kind === 'active') {
    const acceptor = { by: 'verifier', name: nameOfKey(realm, by) } as const
    if (record !== undefined) realm.accepted(record, acceptor)
    else if (facts?.foreign !== undefined) realm.acceptedForeign(facts, acceptor)
  }
  const known = facts === undefined || credential === undefined ? undefined : factsJson(facts, credential)
  const detail =
    (raw === undefined ? textRefused(body.token) : detailIn(judged)) ?? around(body.token, judged)
  return jsonAnswer(200, { verdict, detail, facts: known, position })
}

/** A live token is active here only if it may be presented with a request, which a refresh token or a code may not. */
function usableVerdict({ verdict, credential }: JudgedText): Verdict {
  if (verdict.kind !== 'active' || credential === undefined) return verdict
  return admit(credential, ANY_ACCESS).kind === 'admitted' ? verdict : NOT_ACCESS
}

const NOT_ACCESS: Verdict = { kind: 'inactive', why: 'not_access' }
const NO_TOKEN: JudgedText = { verdict: { kind: 'inactive', why: 'malformed' } }

/** A hint for unknown text with something around it, such as quotes or a scheme: the text is judged with it. */
function around(text: string, { facts }: JudgedText): string | undefined {
  if (facts !== undefined || bareOf(text) === text) return undefined
  return 'something stands around the text, which is judged as it came; POST /tokens/lookup reads it without'
}

function detailIn({ refused, unjudged }: JudgedText): string | undefined {
  if (unjudged !== undefined) return unjudgedWords(unjudged)
  return refused === undefined ? undefined : detailOf(refused)
}

function detailOf(refused: ForeignRefused): string {
  switch (refused) {
    case 'unknown-key':
      return 'it is signed by no key of the issuer, or by an algorithm that was not agreed'
    case 'signature':
      return 'the signature does not fit'
    case 'issuer':
      return 'it is of another issuer'
    case 'audience':
      return 'it is for another audience'
    case 'claims':
      return 'a claim is not as agreed: no exp, a time that is none, or an id that is no text'
    case 'lifetime':
      return 'it lives longer than the issuer is allowed (maxLifetimeSeconds)'
    default:
      return unreachable(refused)
  }
}
