import { formatInstant } from '@rescind/core/bytes'
import type { ClientWrite } from './client-write.ts'
import type { ChatApp } from './directory.ts'
import type { GivenToken } from './token-record.ts'

type Members = Readonly<Record<string, unknown>> | undefined

/**
 * What the vendor's newer pages show in the place of the envelope: a flat client. An app that asks for it gets it
 * beside the envelope, which clients of either generation then understand.
 */
export function newerClient(
  app: ChatApp,
  write: Pick<ClientWrite, 'value' | 'version'>,
  token?: Pick<GivenToken, 'text' | 'expiresAtMs'> & { readonly assigned?: true },
): Members {
  if (app.newerMembers !== true) return undefined
  // Not the members that the app keeps with a client: one of them may be called RC.
  const { id, nickname, avatarUrl, updatedAtMs } = write.value
  return {
    success: true,
    _id: id,
    id,
    nickname,
    avatarUrl,
    ...(token === undefined
      ? {}
      : {
          token: token.text,
          expirationDate: formatInstant(token.expiresAtMs),
          issueAccessToken: token.assigned !== true,
        }),
    updatedAt: formatInstant(updatedAtMs),
  }
}

/** As above, for revoking: how many tokens were ended. */
export function newerRevocation(app: ChatApp, count: number): Members {
  if (app.newerMembers !== true) return undefined
  return { success: true, message: 'Token(s) revoked successfully', revokedTokens: count }
}
