import type { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { RateLimit } from '../wire/rate.ts'
import type { Scans } from '../wire/scans.ts'
import type { Asker } from './session/asker.ts'
import type { MessageLimits } from './session/message-limits.ts'
import type { Notifier } from './session/notifier.ts'
import type { PasscodeGuesses } from './session/passcode-guesses.ts'
import type { PasswordCheck } from './session/password-check.ts'

/** The settings of a dialect, the same for all requests. */
export type Settings = {
  readonly passwords: PasswordCheck
  readonly tokenLifeMs: number
  readonly region: string
  readonly rate: RateLimit
  /** Room for lists, shared with other dialects. */
  readonly scans: Scans
  readonly passcodes: PasscodeGuesses
  /** Limits text messages and mails. */
  readonly messages: MessageLimits
  readonly notifier: Notifier
  /** Whether a token made from another one ends with it. */
  readonly isChained: boolean
}

/** One request and its settings. */
export type Call = Asker & {
  readonly settings: Settings
  /**
   * The token in X-Auth-Token; undefined without one, and for text that cannot be a token of this server.
   * @throws HeaderMalformed when read. Calls that need no caller do not read it.
   */
  readonly presented: RawToken | undefined
}

/** The reply of a step for an authenticated caller, at once or later. */
export type Reply = Answer | Stale | Promise<Answer | Stale>

/** Handles one method of one path. `values` are the decoded segments at the template's parameters, in path order. */
export type Handler = (call: Call, values: readonly string[]) => Answer | Promise<Answer>
