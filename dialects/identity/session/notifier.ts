/** A message to a person that does not go out with an answer of this server. */
export type Notice =
  /** A passcode as a text message, valid for ten minutes. */
  | { readonly kind: 'passcode'; readonly number: string; readonly code: string }
  /** A mail with the token for a new password. */
  | {
      readonly kind: 'password-reset'
      readonly email: string
      readonly username: string
      readonly token: string
    }

/** Sends mails and text messages. `deliver` must return at once and never throw; delivery happens later. */
export interface Notifier {
  deliver(notice: Notice): void
}

/** The default delivers nothing. The server says so when it starts. */
export const SILENT: Notifier = { deliver: () => undefined }
