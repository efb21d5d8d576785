import type { Acceptor, Realm } from '@rescind/authority'
import { LIFETIME_MAX_MS, parseHandle } from '@rescind/core'
import { ACCEPTED_MAX } from '@rescind/feed'
import { z } from 'zod'
import { nextTurn } from '../machine/turns.ts'

/** Handles in one report of use by an older verifier. */
const USED_MAX = 1_000
const TEXT_MAX_CHARS = 2_048
/** Entries that are noted in one turn of the event loop. */
const NOTED_PER_TURN = 250

const seconds = z.int().min(0)

type AcceptedJson = {
  readonly handle?: string | undefined
  readonly issuer?: string | undefined
  readonly jti?: string | undefined
  readonly first: number
  readonly last: number
  readonly expires?: number | undefined
}

const ACCEPTED: z.ZodType<AcceptedJson> = z.strictObject({
  handle: z.string().max(64).optional(),
  issuer: z.string().max(TEXT_MAX_CHARS).optional(),
  jti: z.string().max(TEXT_MAX_CHARS).optional(),
  first: seconds.describe('Seconds since it was first accepted, as far as this was not reported before'),
  last: seconds,
  expires: seconds.optional().describe('Of a registered issuer’s token: seconds until it expires'),
})

/** What a verifier's acknowledgement says about the tokens that it accepted. */
export type Report = {
  readonly accepted?: readonly AcceptedJson[] | undefined
  readonly dropped?: { readonly count: number; readonly since: number } | undefined
  readonly used?: readonly string[] | undefined
}

type ReportShape = { readonly [name in keyof Required<Report>]: z.ZodType<Report[name]> }

export const REPORT_MEMBERS: ReportShape = {
  accepted: z.array(ACCEPTED).max(ACCEPTED_MAX).optional().describe('Tokens accepted since the last report'),
  dropped: z
    .strictObject({ count: z.int().min(1), since: seconds })
    .optional()
    .describe('Acceptances that are in no report: how many, and since how many seconds ago'),
  used: z.array(z.string().max(64)).max(USED_MAX).optional().describe('Only handles, by older verifiers'),
}

type Reporter = { readonly verifier: string; readonly instance: string }

/**
 * Notes what a verifier reports. All of it is the word of the holder of its key. Names that cannot be tokens are ignored;
 * what is noted of unknown ones is dropped, and counted, when it is written.
 */
export async function noteReport(
  realm: Realm,
  { verifier, instance }: Reporter,
  { accepted = [], dropped, used = [] }: Report,
): Promise<void> {
  const acceptor: Acceptor = { by: 'verifier', name: verifier }
  const nowMs = realm.nowMs()
  for (const [at, one] of accepted.entries()) {
    if (at > 0 && at % NOTED_PER_TURN === 0) await nextTurn()
    const lastMs = ago(nowMs, Math.min(one.last, one.first))
    const name = nameIn(one, nowMs)
    if (name !== undefined)
      realm.acceptances.note(acceptor, name, { firstMs: ago(nowMs, one.first), lastMs, instance })
  }
  for (const text of used) {
    const handle = parseHandle(text)
    if (handle !== undefined)
      realm.acceptances.note(acceptor, { handle }, { firstMs: nowMs, lastMs: nowMs, instance })
  }
  if (dropped === undefined) return
  const sinceMs = ago(nowMs, dropped.since)
  realm.acceptances.drop(acceptor, { count: dropped.count, sinceMs, untilMs: nowMs })
}

/** By this server's clock; nothing that lives was accepted longer ago than any token may live. */
function ago(nowMs: number, secondsAgo: number): number {
  return nowMs - Math.min(LIFETIME_MAX_MS, secondsAgo * 1_000)
}

function nameIn(
  { handle: text, issuer, jti, expires }: AcceptedJson,
  nowMs: number,
): Parameters<Realm['acceptances']['note']>[1] | undefined {
  const handle = text === undefined ? undefined : parseHandle(text)
  if (handle !== undefined) return { handle }
  if (issuer === undefined || jti === undefined) return undefined
  const lifeMs = expires === undefined ? LIFETIME_MAX_MS : Math.min(LIFETIME_MAX_MS, expires * 1_000)
  return { issuer, jti, expiresAtMs: nowMs + lifeMs }
}
