import type { Answer } from '../../../wire/answer.ts'
import { forbidden } from '../answers.ts'

/**
 * `GET /v3/auth/tokens/OS-PKI/revoked`: the signed list from the time of PKI tokens. As in Keystone it is 403 for
 * everybody, with or without a token; use `OS-REVOKE/events` instead.
 */
export function revokedList(): Answer {
  return forbidden()
}
