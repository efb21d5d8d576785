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

/** A token that was decided on, by either version. */
export type Mint = {
  readonly judgedAt: Position
  readonly user: IdentityUser
  /** What it is scoped to: a project, `domain:…`, `system:all`, or nothing. */
  readonly tenant: string | undefined
  /** By what kind of proof: `PROOF`, an application credential, or what an older token has. */
  readonly client: string
  readonly authenticatedBy: readonly string[]
  /** When it ends at the latest; absent: as long as a login lasts. */
  readonly expiresAtMs?: number
  readonly family?: Pick<TokenIntent, 'grant' | 'ancestors'>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly scope?: string
  /** For one purpose, which `client` names; absent: for whatever its user may do. */
  readonly isLimited?: true
  readonly delegated?: Delegation
  /** Who had it made for somebody else. */
  readonly mintedBy?: string
  /** What the right to it rests on; absent: the user as it was at `judgedAt`. */
  readonly restsOn?: TokenFacts
  /** Who acts, if not the user. */
  readonly by?: string
  readonly expects?: readonly Expectation[]
  readonly also?: readonly Operation[]
}

/** `id` is the text of the token. */
export type Minted = { readonly id: string; readonly record: TokenRecord }

export type MintOutcome =
  | ({ readonly kind: 'minted' } & Minted)
  /** What it was judged by is no longer so: judge again. */
  | { readonly kind: 'stale' }
  /** Another request used the same passcode first. */
  | { readonly kind: 'consumed' }
  /** The user or the tenant is suspended. */
  | { readonly kind: 'held' }
  /** It was made from a token that was made from a token, and so on, more often than a record can say. */
  | { readonly kind: 'too-deep' }
  | OverQuota

/** The one place where tokens of this dialect are issued; each version words the outcome. */
export async function mint(call: Call, given: Mint): Promise<MintOutcome> {
  const intent = intentOf(call, given)
  const issued = await issueTokens(call.realm, actOf(call, given, intent))
  switch (issued.kind) {
    case 'issued': {
      const [record] = issued.records
      if (record === undefined) throw new ContractBroken('one intent makes one record')
      return { kind: 'minted', id: intent.raw.reveal(), record }
    }
    // 178 random bits drawn twice: draw again.
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
