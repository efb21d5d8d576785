import type { Answer } from '../../../wire/answer.ts'
import { forbidden } from '../answers.ts'

/**
 * `GET /v3/auth/tokens/OS-PKI/revoked`: the signed list of the days of PKI tokens. Keystone keeps the path and answers
 * 403 to everybody, with a token or without; `OS-REVOKE/events` is what there is instead.
 */
export function revokedList(): Answer {
  return forbidden()
}
