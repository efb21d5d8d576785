export type PasswordQuestion = {
  /** Undefined for a user that does not exist or has no password: the same work, and the answer is false. */
  readonly hash: string | undefined
  readonly password: string
  /** Network address of who asks, so that one address cannot keep all others waiting. */
  readonly from: string
}

export type NewPassword = Omit<PasswordQuestion, 'hash'>

/** Slow on purpose, and off the main thread; what a hash is made of is the server's affair. */
export interface PasswordCheck {
  /** @throws Overloaded when too many wait already. */
  verify(question: PasswordQuestion): Promise<boolean>
  /** What to keep of a new password, made in the same queue. @throws Overloaded when too many wait already. */
  hash(given: NewPassword): Promise<string>
}
