import { issueTokens, type Realm } from '@rescind/authority'
import { ContractBroken, type Handle, mintHandle, unreachable } from '@rescind/core'
import { SUSPENDED } from './bind.ts'
import type { Admin } from './call.ts'
import { mintChatJwt } from './chat-jwt.ts'
import type { ClientWrite } from './client-write.ts'
import { overQuota, type Refused, refused } from './envelope.ts'

export type Minted = {
  readonly kind: 'minted'
  readonly text: string
  readonly handle: Handle
  readonly expiresAtMs: number
}

/** Mints a token for a client, in one write with the changes to the client. */
export async function mintToken(
  realm: Realm,
  admin: Admin,
  { value, also }: ClientWrite,
): Promise<Minted | { readonly kind: 'stale' } | Refused> {
  const handle = mintHandle(realm.random)
  const issuedAtMs = realm.nowMs()
  const wantedMs = issuedAtMs + admin.app.tokenLifetimeSeconds * 1_000
  const expiresAtMs = realm.lifetimes.within(wantedMs, issuedAtMs)
  const { app, id, nickname, avatarUrl } = value
  const raw = mintChatJwt(realm, { app, id, nickname, avatarUrl, issuedAtMs, expiresAtMs, handle })
  if (raw === undefined) return refused('INVALID_REQUEST', 'The profile is too long to be put into a token.')
  const principals = { source: admin.source, client: id, subject: id }
  const issued = await issueTokens(realm, {
    judgedAt: admin.judgedAt,
    caller: admin.caller,
    tokens: [{ ...principals, raw, handle, kind: 'chat', expiresAtMs, sealText: true }],
    also,
  })
  switch (issued.kind) {
    case 'issued':
      return { kind: 'minted', text: raw.reveal(), handle, expiresAtMs }
    case 'stale':
      return issued
    case 'held':
      return refused('PERMISSION_DENIED', SUSPENDED)
    case 'over-quota':
      return overQuota(issued.waitSeconds)
    case 'consumed':
    case 'too-deep':
    case 'token-exists':
      throw new ContractBroken('one new token without ancestors')
    default:
      return unreachable(issued)
  }
}
