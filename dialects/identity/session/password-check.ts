import type { Asker } from './asker.ts'

/** Whose share of the hashing time a check takes, so that no caller keeps all others waiting. */
export type PasswordTurn = {
  /** Network address of the caller. */
  readonly from: string
  /** The account as named in the request; nothing is looked up for it. */
  readonly account: string
}

export type PasswordQuestion = PasswordTurn & {
  /** Undefined for a user who does not exist or has no password: the work is the same, and the answer is false. */
  readonly hash: string | undefined
  readonly password: string
  /** The caller has proved its identity by a token, and does not wait behind callers who have proved nothing. */
  readonly isProved?: boolean
}

/** Only for callers who have proved their identity: setting a password ends tokens. */
export type NewPassword = PasswordTurn & { readonly password: string }

/** Password hashing: slow on purpose and off the main thread. The server chooses the format of a hash. */
export interface PasswordCheck {
  /** @throws Overloaded when too many are waiting. */
  verify(question: PasswordQuestion): Promise<boolean>
  /** The hash to store for a new password. Does not wait behind logins. @throws Overloaded when too many are waiting. */
  hash(given: NewPassword): Promise<string>
}

/** Accounts of two realms are different, even with the same name. */
export function turnOf({ realm, request }: Asker, account: string): PasswordTurn {
  return { from: request.from, account: `${realm.ordinal}/${account}` }
}
