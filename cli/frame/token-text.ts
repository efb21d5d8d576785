import { basename } from 'node:path'

/** Text of the form of a token or a credential: this server's own prefixes, JWS and JWE, Fernet, and schemes. */
const FORMS: readonly RegExp[] = [
  /(?:^|[^A-Za-z0-9])rs[a-z]_[A-Za-z0-9_-]{16}/,
  /(?:^|[^A-Za-z0-9])ey[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]/,
  /(?:^|[^A-Za-z0-9])gAAAA[A-Za-z0-9_-]{40}/,
  /(?:^|\s)(?:bearer|dpop|basic)\s+\S{8}/i,
]

/** Ids that may be shown, and names: UUIDs, also without hyphens, and the digests that Identity services name people by. */
const ID =
  /^(?:(?:tok|grt|hold|apr|sch|blk|key|sec|ins)_[\w-]{1,64}|rev_\d+_\d+|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}|[\da-f]{32}|[\da-f]{64})$/i
/** A prefix of a realm's own choice, and something long. */
const PREFIXED = /^[A-Za-z0-9]{2,12}_[A-Za-z0-9_-]{24}/
const HEX = /[\da-fA-F]{32}/
const RUNS = /[A-Za-z0-9]{12,}/g

/** Whether a word of the command line has the form of a token or a credential. Names seldom have it. */
export function hasTokenForm(text: string): boolean {
  return FORMS.some((form) => form.test(text))
}

/** Whether it may be one: the same, and what only looks random. Some ids look random, too. */
export function mayBeToken(text: string): boolean {
  if (hasTokenForm(text)) return true
  return text.split(/[\s'"=:,;]+/).some((word) => !ID.test(word) && !word.includes('@') && isRandom(word))
}

function isRandom(word: string): boolean {
  if (PREFIXED.test(word) || HEX.test(word)) return true
  return [...word.matchAll(RUNS)].some(([run]) => /\d/.test(run) && /[a-z]/.test(run) && /[A-Z]/.test(run))
}

/** A word for an error message: not repeated when it may be a secret. */
export function quoted(word: string): string {
  return mayBeToken(word) ? 'of the form of a token (not shown)' : `"${word}"`
}

/** A path for an error message: not repeated when its last part may be a secret, given in place of a file. */
export function pathText(path: string): string {
  const isSecret = hasTokenForm(path) || mayBeToken(basename(path))
  return isSecret ? 'a file whose name has the form of a token (not shown)' : path
}

/** What to do when one stood on the command line. */
export const COUNTS_AS_SEEN =
  'it is in the history of the shell and was in the list of processes by now, so it counts as shown: have it revoked, too'
