import type { Realm } from '@rescind/authority'
import type { Credential, TokenFacts, TokenRecord, Verdict } from '@rescind/core'
import { parseJws, type RawToken } from '@rescind/core/tokens'
import { judgeText } from '../judging/judge-token.ts'
import type { KeySets } from '../judging/key-sets.ts'

/** What a gateway learns about a live token: its subject, and the uses that it allows. */
export type Bearer = TokenFacts & Credential & Pick<TokenRecord, 'claims'>

export type Judged = { readonly verdict: Verdict; readonly bearer: Bearer | undefined }

/** Judges text of any source of a realm. @throws StoreUnavailable. */
export type Judge = (realm: Realm, raw: RawToken) => Promise<Judged>

/** Judges our tokens, and those that registered issuers have signed. */
export function judgeAny(keySets: KeySets): Judge {
  return async (realm, raw) => {
    const { verdict, facts, credential, record } = await judgeText(realm, keySets, raw)
    if (facts === undefined || credential === undefined) return { verdict, bearer: undefined }
    if (record !== undefined) return { verdict, bearer: { ...record, ...credential } }
    // For a foreign token only its issuer's signed claims name an actor (RFC 8693 §4.1).
    const claims = parseJws(raw.reveal())?.claims
    return { verdict, bearer: { ...facts, ...credential, ...(claims && { claims }) } }
  }
}
