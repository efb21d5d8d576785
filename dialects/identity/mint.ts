import {
  ContractBroken,
  callerFacts,
  type Expectation,
  type IssueAct,
  issueTokens,
  mintText,
  type Operation,
  type Position,
  type Principals,
  type TokenFacts,
  type TokenIntent,
  type TokenRecord,
  unreachable,
} from '@rescind/core'
import type { Answer, Stale } from '../wire/answer.ts'
import type { Call } from './call.ts'
import { IDENTITY } from './directory/names.ts'
import type { IdentityTenant } from './directory/tenants.ts'
import { accountOf, type IdentityUser } from './directory/users.ts'
import { fault, unauthorized, WRONG_CREDENTIALS } from './faults.ts'

/** A token that was decided on. */
export type Mint = {
  readonly basis: Position
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
  /** By what kind of proof: `PROOF`, or what an older token has. */
  readonly client: string
  readonly authenticatedBy: readonly string[]
  /** Absent: as long as a login lasts. */
  readonly expiresAtMs?: number
  readonly family?: Pick<TokenIntent, 'grant' | 'ancestors'>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly scope?: string
  /** What the right to it rests on; absent: the user as it stood at `basis`. */
  readonly restsOn?: TokenFacts
  /** Who acts, if not the user. */
  readonly by?: string
  readonly expects: readonly Expectation[]
  readonly also?: readonly Operation[]
}

export type Minted = { readonly id: string; readonly record: TokenRecord }

/** Issues it, and answers with what `answer` makes of it. */
export async function mint(
  call: Call,
  given: Mint,
  answer: (minted: Minted) => Answer | Promise<Answer>,
): Promise<Answer | Stale> {
  const { realm, request } = call
  const intent = intentOf(call, given)
  const issued = await issueTokens(realm, actOf(call, given, intent))
  switch (issued.kind) {
    case 'issued': {
      const [record] = issued.records
      if (record === undefined) throw new ContractBroken('one intent makes one record')
      return answer({ id: intent.raw.reveal(), record })
    }
    case 'stale':
    // 178 random bits drawn twice: draw again.
    case 'token-exists':
      return 'stale'
    // Somebody used the same passcode first.
    case 'consumed':
      return unauthorized(request, WRONG_CREDENTIALS)
    case 'held':
      return fault('forbidden', 'This user or tenant is suspended.')
    case 'too-deep':
      return fault('forbidden', 'This token was made from a token too many times.')
    case 'lifetime-too-long':
      throw new ContractBroken('settings bound the life of a token')
    default:
      return unreachable(issued)
  }
}

function intentOf({ realm, settings }: Call, given: Mint): TokenIntent {
  const { user, tenant, client, authenticatedBy, scope } = given
  const account = accountOf(user)
  return {
    ...principalsOf(user, tenant),
    client,
    raw: mintText(realm.grammar.prefixes.identity, realm.random),
    kind: 'identity',
    expiresAtMs: given.expiresAtMs ?? realm.nowMs() + settings.tokenLifeMs,
    authenticatedBy,
    ...given.family,
    ...(scope === undefined ? {} : { scope }),
    claims: { ...given.claims, ...(account === undefined ? {} : { account }) },
  }
}

function actOf({ realm, request }: Call, given: Mint, intent: TokenIntent): IssueAct {
  const { basis, user, tenant, by, expects, also = [] } = given
  const facts = given.restsOn ?? callerFacts(principalsOf(user, tenant), basis)
  return {
    basis,
    caller: {
      id: `${IDENTITY}:${by ?? user.id}`,
      from: request.from,
      standing: { realm: realm.ordinal, facts },
    },
    tokens: [intent],
    expects,
    also,
  }
}

function principalsOf(user: IdentityUser, tenant: IdentityTenant | undefined): Principals {
  const own = { source: IDENTITY, subject: user.id }
  return tenant === undefined ? own : { ...own, tenant: tenant.id }
}
