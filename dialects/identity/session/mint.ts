import {
  callerFacts,
  type Expectation,
  type IssueAct,
  issueTokens,
  mintText,
  type Operation,
  type OverQuota,
  type TokenIntent,
} from '@rescind/authority'
import {
  ContractBroken,
  type Delegation,
  type Position,
  type Principals,
  type TokenFacts,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import type { Call } from '../call.ts'
import { IDENTITY } from '../directory/names.ts'
import { accountOf, type IdentityUser } from '../directory/users.ts'

/** A token to be minted, as either version decided. */
export type Mint = {
  readonly judgedAt: Position
  readonly user: IdentityUser
  /** Its scope: a project, `domain:…`, `system:all`, or none. */
  readonly tenant: string | undefined
  /** The kind of proof: `PROOF`, an application credential, or that of the parent token. */
  readonly client: string
  readonly authenticatedBy: readonly string[]
  /** Its latest expiry; absent: the lifetime of a login. */
  readonly expiresAtMs?: number
  readonly family?: Pick<TokenIntent, 'grant' | 'ancestors'>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly scope?: string
  /** Only for the purpose that `client` names; absent: for everything its user may do. */
  readonly isLimited?: true
  readonly delegated?: Delegation
  /** The user who had it made for another user. */
  readonly mintedBy?: string
  /** The facts that the right to it depends on; absent: the user as it was at `judgedAt`. */
  readonly restsOn?: TokenFacts
  /** The acting user, if it is another one. */
  readonly by?: string
  readonly expects?: readonly Expectation[]
  readonly also?: readonly Operation[]
}

/** `id` is the token's text. */
export type Minted = { readonly id: string; readonly record: TokenRecord }

export type MintOutcome =
  | ({ readonly kind: 'minted' } & Minted)
  /** Something that it was judged by has changed: judge again. */
  | { readonly kind: 'stale' }
  /** Another request used the same passcode first. */
  | { readonly kind: 'consumed' }
  /** The user or the tenant is suspended. */
  | { readonly kind: 'held' }
  /** Its chain of parent tokens is longer than a record can hold. */
  | { readonly kind: 'too-deep' }
  | OverQuota

/** The only place where tokens of this dialect are issued. Each version words the outcome. */
export async function mint(call: Call, given: Mint): Promise<MintOutcome> {
  const intent = intentOf(call, given)
  const issued = await issueTokens(call.realm, actOf(call, given, intent))
  switch (issued.kind) {
    case 'issued': {
      const [record] = issued.records
      if (record === undefined) throw new ContractBroken('one intent makes one record')
      return { kind: 'minted', id: intent.raw.reveal(), record }
    }
    // Two draws of 178 random bits were equal: draw again.
    case 'token-exists':
      return { kind: 'stale' }
    case 'stale':
    case 'consumed':
    case 'held':
    case 'too-deep':
    case 'over-quota':
      return issued
    default:
      return unreachable(issued)
  }
}

function intentOf({ realm, settings }: Call, given: Mint): TokenIntent {
  const { user, tenant, client, authenticatedBy, scope, delegated, mintedBy } = given
  const account = accountOf(user)
  const nowMs = realm.nowMs()
  return {
    ...principalsOf(user, tenant),
    client,
    raw: mintText(realm.grammar.prefixes.identity, realm.random),
    kind: given.isLimited === true ? 'limited' : 'identity',
    expiresAtMs: realm.lifetimes.within(given.expiresAtMs ?? nowMs + settings.tokenLifeMs, nowMs),
    authenticatedBy,
    ...given.family,
    ...(scope === undefined ? {} : { scope }),
    ...(delegated === undefined ? {} : { delegated }),
    ...(mintedBy === undefined ? {} : { mintedBy }),
    claims: { ...given.claims, ...(account === undefined ? {} : { account }) },
  }
}

function actOf({ realm, request }: Call, given: Mint, intent: TokenIntent): IssueAct {
  const { judgedAt, user, tenant, by, expects = [], also = [] } = given
  const facts = given.restsOn ?? callerFacts(principalsOf(user, tenant), judgedAt)
  return {
    judgedAt,
    caller: {
      id: `${IDENTITY}:${by ?? user.id}`,
      from: request.from,
      dependency: { realm: realm.ordinal, facts },
    },
    tokens: [intent],
    expects,
    also,
  }
}

function principalsOf(user: IdentityUser, tenant: string | undefined): Principals {
  const own = { source: IDENTITY, subject: user.id }
  return tenant === undefined ? own : { ...own, tenant }
}
