import type { FlagSpec, PositionalSpec } from '../frame/entry.ts'

/** What ends: a handle, a grant, or `-` for the text of a token. */
export const TARGET_WORD: PositionalSpec = {
  name: 'TARGET',
  isOptional: true,
  help: 'tok_… (a handle), grt_… (a grant), or - for the text of a token, from standard input or a hidden prompt',
}

/** The members of the API's targets. */
export const TARGET_FLAGS: readonly FlagSpec[] = [
  { name: 'token', value: '-', help: 'the same as TARGET -' },
  { name: 'handle', value: 'TOK', help: 'one token by its public id, tok_…' },
  { name: 'grant', value: 'GRT', help: 'a grant, and every token in it' },
  {
    ...{ name: 'source', value: 'SOURCE', isRepeated: true },
    help: 'whose names the next ones are: oauth, identity, chat/APP, iss:ISSUER; alone: everything of it',
  },
  { name: 'subject', value: 'NAME', help: 'everything about a subject (a person), with --source' },
  { name: 'client', value: 'ID', help: 'everything of a client, with --source' },
  { name: 'tenant', value: 'ID', help: 'everything of a tenant, with --source' },
  { name: 'session', value: 'ID', help: 'a login, with --source' },
  { name: 'issuer', value: 'URL', help: 'a registered issuer: the same as --source iss:URL' },
  { name: 'jti', value: 'JTI', help: 'one token of --issuer, seen or not' },
  {
    ...{ name: 'signing-key', value: 'THUMBPRINT' },
    help: 'everything signed with a key (RFC 7638), the member `key` of the API',
  },
  { name: 'whole-realm', help: 'everything in the realm' },
  { name: 'issued-before', value: 'TIME', help: 'of principals: only what was issued before' },
  {
    ...{ name: 'basis', value: 'BASIS', choices: ['issued', 'authenticated'] },
    help: 'of foreign subjects and clients: measured by the time of issue, or by that of the login',
  },
  {
    name: 'keep-credentials',
    help: 'of an Identity subject: its API key and application credentials do not end with it',
  },
]

/** Why it is done. */
export const REASON_FLAGS: readonly FlagSpec[] = [
  {
    ...{ name: 'reason', value: 'TEXT' },
    help: 'why, for receipt and audit; asked for on a terminal',
  },
  { name: 'note', value: 'TEXT', help: 'more about it, for receipt and audit' },
]

export const WAIT_FLAG: FlagSpec = {
  ...{ name: 'wait', value: 'SECONDS', bare: '60' },
  help: 'wait until every verifier refuses it, 60 seconds unless told otherwise; shows who has',
}

export const HOLD_FLAGS: readonly FlagSpec[] = [
  { name: 'for', value: 'TIME', preset: '1h', help: 'how long to hold: 90s, 30m, 1h, 7d' },
  { name: 'until', value: 'TIME', help: 'how long, as an instant' },
  {
    ...{ name: 'at-deadline', value: 'WHAT', choices: ['release', 'revoke'], preset: 'release' },
    help: 'what the server makes of it if nobody has decided by then',
  },
]

export const TIME_TEXT =
  'TIME is an instant with its offset (2026-12-01T08:00:00Z) or in the zone of this machine ("2026-12-01 08:00").'
