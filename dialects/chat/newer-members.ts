import { formatInstant } from '@rescind/core/bytes'
import type { ClientWrite } from './client-write.ts'
import type { ChatApp } from './directory.ts'
import type { GivenToken } from './token-record.ts'

type Members = Readonly<Record<string, unknown>> | undefined

/**
 * The flat client that the vendor's newer API answers instead of the envelope. Apps that ask for it get it beside the
 * envelope, so that clients of both generations understand the answer.
 */
export function newerClient(
  app: ChatApp,
  write: Pick<ClientWrite, 'value' | 'version'>,
  token?: Pick<GivenToken, 'text' | 'expiresAtMs'> & { readonly assigned?: true },
): Members {
  if (app.newerMembers !== true) return undefined
  // Custom members are left out, because one of them may be called RC.
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

/** The same for revoking: how many tokens were ended. */
export function newerRevocation(app: ChatApp, count: number): Members {
  if (app.newerMembers !== true) return undefined
  return { success: true, message: 'Token(s) revoked successfully', revokedTokens: count }
}
