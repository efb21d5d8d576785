/** What somebody has to be told by another way than this server's answers. */
export type Notice =
  /** A passcode as a text message, good for ten minutes. */
  | { readonly kind: 'passcode'; readonly number: string; readonly code: string }
  /** A mail with the token for a new password. */
  | {
      readonly kind: 'password-reset'
      readonly email: string
      readonly username: string
      readonly token: string
    }

/** Mails and text messages. It must return at once and never throw: delivery is its own affair. */
export interface Notifier {
  deliver(notice: Notice): void
}

/** The default: what nobody was told how to deliver is not delivered, and the server says so when it starts. */
export const SILENT: Notifier = { deliver: () => undefined }
