import type { Asker } from './asker.ts'

/** Whose share of the time that hashing takes it is: none keeps all others waiting. */
export type PasswordTurn = {
  /** Network address of who asks. */
  readonly from: string
  /** The account that it is about, in the words of the request: nothing is looked up for it. */
  readonly account: string
}

export type PasswordQuestion = PasswordTurn & {
  /** Undefined for a user that does not exist or has no password: the same work, and the answer is false. */
  readonly hash: string | undefined
  readonly password: string
  /** Who asks has proved by a token who it is: it does not wait behind those who have proved nothing. */
  readonly isProved?: boolean
}

/** Asked for by those alone who have proved something: it sets a password, and so ends tokens. */
export type NewPassword = PasswordTurn & { readonly password: string }

/** Slow on purpose, and off the main thread; what a hash is made of is the server's affair. */
export interface PasswordCheck {
  /** @throws Overloaded when too many wait already. */
  verify(question: PasswordQuestion): Promise<boolean>
  /** What to keep of a new password; does not wait behind logins. @throws Overloaded when too many wait already. */
  hash(given: NewPassword): Promise<string>
}

/** Accounts of two realms are two, whatever they are called. */
export function turnOf({ realm, request }: Asker, account: string): PasswordTurn {
  return { from: request.from, account: `${realm.ordinal}/${account}` }
}
