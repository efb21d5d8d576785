import { evidenceKeyOf } from '@rescind/authority'
import { defined, parseInstant } from '@rescind/core/bytes'
import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import {
  EVIDENCE_RECEIPTS_MAX,
  EVIDENCE_ROWS_MAX,
  type Incident,
  type NotSelected,
  selectIncident,
} from '../../audit/evidence/selection.ts'
import { writeEvidence } from '../../audit/evidence/write.ts'
import { rangeAfter } from '../../audit/export.ts'
import { isAnswer, type Problem, problem } from '../../http/problem.ts'
import { headCheckpoint } from '../../judging/checkpoints.ts'
import { exposureOf } from '../../receipts/exposure.ts'
import { type Ask, type Endpoint, endpoint } from '../frame/endpoint.ts'
import { credentialIn, withoutTokens } from '../frame/free-text.ts'

const ID_MAX = 64
const TEXT_MAX = 1_024
/** Receipts, and rows, that one request names. */
const NAMED_MAX = 1_000

const BODY = z
  .strictObject({
    receipts: z
      .array(z.string().min(1).max(ID_MAX))
      .min(1)
      .max(NAMED_MAX)
      .optional()
      .describe('Ids of revocations'),
    reason: z
      .string()
      .min(1)
      .max(TEXT_MAX)
      .optional()
      .describe('The reason that revocations, holds, approvals and changes were made for'),
    cause: z
      .string()
      .min(1)
      .max(ID_MAX)
      .optional()
      .describe('The id of a hold, a schedule, an approval or a bulk call'),
    rows: z
      .array(z.int().min(1))
      .min(1)
      .max(NAMED_MAX)
      .optional()
      .describe('Numbers of rows of the audit that belong to it, too'),
    since: z
      .string()
      .optional()
      .describe('RFC 3339: not before. Alone with until: all revocations between the two'),
    until: z.string().optional().describe('RFC 3339: before'),
  })
  .meta({ id: 'EvidenceRequest' })

type Body = z.output<typeof BODY>

/** Reads only, and takes a body because an incident may have a thousand receipts. */
function making(reach: 'realm' | 'store'): Endpoint {
  const isStore = reach === 'store'
  const whose = isStore ? 'the log of the store itself' : 'this realm'
  return endpoint({
    method: 'POST',
    path: isStore ? '/evidence/system' : '/evidence',
    operation: isStore ? 'makeSystemEvidence' : 'makeEvidence',
    summary: `What ${whose} knows of an incident, signed, as lines that \`rescind audit verify\` checks`,
    role: 'viewer',
    reach,
    rateClass: 'read',
    onlyReads: true,
    scans: true,
    body: BODY,
    answers: {
      200: {
        what: 'Receipts with who refuses them, audit rows, and the chain between them, signed',
        type: 'application/x-ndjson',
      },
    },
    handle: make,
  })
}

async function make(ask: Ask<unknown, Body>): Promise<Answer> {
  const { realm, parts, by } = ask
  const at = await credentialIn([realm], ask.body)
  if (at !== undefined) return problem(422, `${at}: holds a credential, which would stand in the file`)
  const body = await withoutTokens([realm], ask.body)
  const incident = incidentOf(body)
  if (isAnswer(incident)) return incident
  const head = await headCheckpoint(realm)
  const selected = await selectIncident(realm, incident, head.seq)
  if (selected.kind !== 'selected') return refusal(selected)
  const anchor = await realm.store.anchor(realm.ordinal)
  const first = selected.rows[0]
  const range = await rangeAfter(realm, first === undefined ? anchor.seq : first - 1)
  // It is of this log, and its rows were read a moment ago.
  if (range === undefined || range.after > (first ?? range.after + 1) - 1) return TRIMMED
  const { enforcement } = parts
  const file = writeEvidence({
    ...{ realm, selected, selection: defined({ ...body }), range: { ...range, head } },
    trimmedThrough: anchor.seq,
    caller: by.caller,
    auditRetentionMs: parts.auditRetentionMs,
    enforcement: (written) => enforcement.now(realm, written),
    exposure: (written) => exposureOf(realm, written, parts),
  })
  return { status: 200, headers: HEADERS, body: file }
}

const HEADERS = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' }
const TRIMMED: Problem = problem(503, 'the log was trimmed meanwhile; ask again', { 'retry-after': '1' })

function incidentOf({ since, until, ...named }: Body): Incident | Problem {
  const [sinceMs, untilMs] = [since, until].map((one) => (one === undefined ? undefined : parseInstant(one)))
  if (since !== undefined && sinceMs === undefined) return problem(422, 'since: not an RFC 3339 instant')
  if (until !== undefined && untilMs === undefined) return problem(422, 'until: not an RFC 3339 instant')
  const isEmpty = Object.values(named).every((one) => one === undefined) && since === undefined
  if (isEmpty) return problem(422, 'give receipts, reason, cause, rows or since')
  return { ...named, sinceMs, untilMs }
}

const TOO_MANY = {
  receipts: `it has more than ${EVIDENCE_RECEIPTS_MAX} receipts; make several files, by since and until`,
  rows: `its rows lie more than ${EVIDENCE_ROWS_MAX} apart; make several files, by since and until`,
  searched: 'the log is too long to be looked through for it; say since, or name the receipts',
} as const

function refusal(selected: NotSelected): Problem {
  switch (selected.kind) {
    case 'no-such':
      return problem(422, `${selected.name}: no such revocation or row in this realm`)
    case 'nothing':
      return problem(404, 'nothing in this log belongs to it, or its audit has expired')
    case 'too-many':
      return problem(422, TOO_MANY[selected.what])
  }
}

const KEY = z.strictObject({
  kid: z.string().describe('RFC 7638 thumbprint; compare it with the one that a check of evidence prints'),
  jwk: z.record(z.string(), z.json()),
})

function readingKey(reach: 'realm' | 'store'): Endpoint {
  const isStore = reach === 'store'
  return endpoint({
    method: 'GET',
    path: isStore ? '/evidence/system/key' : '/evidence/key',
    operation: isStore ? 'readSystemEvidenceKey' : 'readEvidenceKey',
    summary: `The public key that evidence of ${isStore ? 'the store itself' : 'this realm'} is signed with`,
    role: 'viewer',
    reach,
    answers: { 200: { what: 'The key; it stays the same', schema: KEY } },
    handle: async ({ realm }) => {
      const { signing, publicJwk } = evidenceKeyOf(realm.keys.sealKey)
      return jsonAnswer(200, { kid: signing.keyId, jwk: publicJwk })
    },
  })
}

export const EVIDENCE_ENDPOINTS: readonly Endpoint[] = [
  making('realm'),
  readingKey('realm'),
  making('store'),
  readingKey('store'),
]
