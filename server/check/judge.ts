import {
  type Awaitable,
  audienceOf,
  parseJws,
  type RawToken,
  type Realm,
  type TokenFacts,
  type TokenRecord,
  type Verdict,
} from '@rescind/core'
import type { KeySets } from '../issuers/key-sets.ts'
import { judgeText } from '../judge-token.ts'

/** What a gateway is told about a live token. */
export type Bearer = TokenFacts & Partial<Pick<TokenRecord, 'kind' | 'scope' | 'audience' | 'claims'>>

export type Judged = { readonly verdict: Verdict; readonly bearer: Bearer | undefined }

/** Judges text of any source of a realm. @throws StoreUnavailable. */
export type Judge = (realm: Realm, raw: RawToken) => Awaitable<Judged>

/** Tokens of ours, and those that registered issuers have signed. */
export function judgeAny(keySets: KeySets): Judge {
  return async (realm, raw) => {
    const { verdict, facts, record } = await judgeText(realm, keySets, raw)
    if (verdict.kind === 'active' && record !== undefined) realm.uses.accepted(record, realm.nowMs())
    return { verdict, bearer: record ?? (facts === undefined ? undefined : foreignBearer(facts, raw)) }
  }
}

/** Its issuer has signed what it was granted and whom it is for, as RFC 9068 §2.2 spells both. */
function foreignBearer(facts: TokenFacts, raw: RawToken): Bearer {
  const { scope, aud } = parseJws(raw.reveal())?.claims ?? {}
  const audience = audienceOf(aud)
  return {
    ...facts,
    ...(typeof scope === 'string' ? { scope } : {}),
    ...(audience === undefined ? {} : { audience }),
  }
}
