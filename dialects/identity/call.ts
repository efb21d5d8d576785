import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { RateLimit } from '../wire/rate.ts'
import type { Scans } from '../wire/scans.ts'
import type { Asker } from './session/asker.ts'
import type { MessageLimits } from './session/message-limits.ts'
import type { Notifier } from './session/notifier.ts'
import type { PasscodeGuesses } from './session/passcode-guesses.ts'
import type { PasswordCheck } from './session/password-check.ts'

/** What a dialect was made with; the same for all requests. */
export type Settings = {
  readonly passwords: PasswordCheck
  readonly tokenLifeMs: number
  readonly region: string
  readonly rate: RateLimit
  /** Room for lists, which other dialects share. */
  readonly scans: Scans
  readonly passcodes: PasscodeGuesses
  /** Text messages and mails that are sent. */
  readonly messages: MessageLimits
  readonly notifier: Notifier
  /** Whether a token that is made from another ends with it. */
  readonly isChained: boolean
}

/** One request on its way through this dialect. */
export type Call = Asker & {
  readonly settings: Settings
  /**
   * The token in X-Auth-Token; undefined without one, and for text that cannot be a token of this server.
   * @throws HeaderMalformed, when it is read: calls that need no caller leave it alone.
   */
  readonly presented: RawToken | undefined
}

/** What goes on for a caller answers at once, or later. */
export type Reply = Answer | Stale | Promise<Answer | Stale>

/** Answers one method of one path; `values` are the decoded segments at the template's parameters, in their order. */
export type Handler = (call: Call, values: readonly string[]) => Answer | Promise<Answer>
