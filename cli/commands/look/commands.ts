import type { Commands } from '../../frame/command.ts'
import type { FlagSpec } from '../../frame/entry.ts'
import { LIMIT_FLAGS } from '../../remote/listing.ts'

const IDS: readonly FlagSpec[] = [
  {
    name: 'source',
    value: 'SOURCE',
    help: 'only of this dialect or issuer: oauth, identity, chat/NAME, iss:URL',
  },
  { name: 'subject', value: 'ID', help: 'only of this person or service' },
  { name: 'client', value: 'ID', help: 'only of this client' },
  { name: 'tenant', value: 'ID', help: 'only of this tenant' },
  { name: 'grant', value: 'ID', help: 'only of this grant' },
  { name: 'session', value: 'ID', help: 'only of this session' },
]

export const LOOK_COMMANDS: Commands = [
  {
    name: 'tokens',
    group: 'Look',
    summary: 'List live tokens by whose they are',
    text: ['Oldest first. No text of a token is shown: a handle (tok_…) names one.'],
    flags: [
      ...IDS,
      { name: 'kind', value: 'KIND', help: 'only of this kind: access, refresh, …' },
      {
        ...{ name: 'state', value: 'STATE', choices: ['live', 'held', 'all'], preset: 'live' },
        help: '"all" lists those that are over, too, until they are collected',
      },
      ...LIMIT_FLAGS,
    ],
    isRemote: true,
    examples: [
      { does: 'what a person has', command: 'rescind tokens --subject ann' },
      { does: 'every token of a client, for a script', command: 'rescind tokens --client svc --all --json' },
    ],
    load: () => import('./tokens.ts'),
  },
  {
    name: 'grants',
    group: 'Look',
    summary: 'List live grants by whose they are',
    text: ['A grant is what one login has given to one client; revoking it ends all of its tokens.'],
    flags: [...IDS, ...LIMIT_FLAGS],
    isRemote: true,
    examples: [{ does: 'the grants of a person', command: 'rescind grants --subject ann' }],
    load: () => import('./grants.ts'),
  },
  {
    name: 'receipts',
    group: 'Look',
    summary: 'List revocations, newest first',
    flags: [
      ...IDS,
      { name: 'handle', value: 'TOK', help: 'only of this token' },
      { name: 'issuer', value: 'URL', help: 'only of tokens of this issuer' },
      { name: 'jti', value: 'ID', help: 'only of the token with this id' },
      { name: 'by', value: 'WHO', help: "only by this caller, or by this control key's name" },
      { name: 'reason', value: 'TEXT', help: 'only with exactly this reason' },
      { name: 'cause', value: 'ID', help: 'only of this hold, schedule, approval or bulk call' },
      {
        name: 'since',
        value: 'TIME',
        help: 'only at this time or later (RFC 3339, or how long ago: 1h, 2d)',
      },
      { name: 'until', value: 'TIME', help: 'only before this time (RFC 3339, or how long ago)' },
      ...LIMIT_FLAGS,
    ],
    isRemote: true,
    examples: [
      { does: 'the newest ones', command: 'rescind receipts --limit 10' },
      { does: 'those of an incident', command: 'rescind receipts --reason "incident 42" --all' },
    ],
    load: async () => ({ run: (await import('./receipts.ts')).runList }),
  },
  {
    name: 'receipts show',
    group: 'Look',
    summary: 'Show a revocation, which verifiers have applied it, and who accepted what it covers',
    positionals: [{ name: 'RECEIPT', help: 'its id: rev_…' }],
    isRemote: true,
    examples: [{ does: 'one of them', command: 'rescind receipts show rev_1_42' }],
    load: async () => ({ run: (await import('./receipts.ts')).runShow }),
  },
  {
    name: 'exposure',
    group: 'Look',
    summary: 'Show who accepted a token before it was refused everywhere: at least these',
    text: ['What cannot be told is named below the list.'],
    positionals: [{ name: 'ID', help: 'a handle (tok_…) or a receipt (rev_…)', isOptional: true }],
    flags: [
      { name: 'issuer', value: 'URL', help: 'a registered issuer, whose token is named by --jti' },
      { name: 'jti', value: 'ID', help: 'the id of its token' },
      {
        name: 'since',
        value: 'TIME',
        help: 'leave out what was accepted before (RFC 3339, or how long ago: 1h, 2d)',
      },
    ],
    isRemote: true,
    examples: [
      { does: 'a token of ours', command: 'rescind exposure tok_AAAAAAAAAAAAAAAAAAAAAA' },
      { does: 'everything that a revocation covers', command: 'rescind exposure rev_1_42' },
    ],
    load: () => import('./exposure.ts'),
  },
  {
    name: 'stats',
    group: 'Look',
    summary: 'Show the numbers of a realm, and of the node that answers',
    text: ['Numbers of a node are shown to keys of all realms.'],
    flags: [{ name: 'live', help: 'show them again each second until Ctrl-C' }],
    isRemote: true,
    endsItself: true,
    examples: [
      { does: 'once', command: 'rescind stats' },
      { does: 'while something happens', command: 'rescind stats --live' },
    ],
    load: () => import('./stats.ts'),
  },
  {
    name: 'verifiers',
    group: 'Look',
    summary: 'Show who checks tokens here, and how far behind they are',
    text: ['On a terminal the table is drawn again each second until Ctrl-C; elsewhere it is printed once.'],
    flags: [{ name: 'once', help: 'print the table once' }],
    isRemote: true,
    endsItself: true,
    examples: [
      { does: 'while a revocation spreads', command: 'rescind verifiers' },
      { does: 'for a script', command: 'rescind verifiers --json' },
    ],
    load: () => import('./verifiers.ts'),
  },
  {
    name: 'verifiers rotate',
    group: 'Change records',
    summary: 'Make another key for a verifier; the one before is taken, too, until it is retired',
    positionals: [{ name: 'NAME', help: 'the verifier' }],
    flags: [
      {
        ...{ name: 'secret-file', value: 'FILE', completes: 'file' },
        help: 'a new file, for this user alone, that gets the key',
      },
      { name: 'show-secret', help: 'print the key, which is shown this once' },
    ],
    isRemote: true,
    changes: 'acts',
    examples: [
      {
        does: 'a new key in a file',
        command: 'rescind verifiers rotate orders-api --secret-file orders-api.key',
      },
    ],
    load: async () => ({ run: (await import('./verifier-keys.ts')).runRotate }),
  },
  {
    name: 'verifiers retire',
    group: 'Change records',
    summary: 'End one of the two keys of a verifier',
    text: ['What connects with it is cut off. To end a verifier as a whole: rescind delete verifiers NAME.'],
    positionals: [{ name: 'NAME', help: 'the verifier' }],
    flags: [
      {
        ...{ name: 'which', value: 'WHICH', choices: ['older', 'newer'], preset: 'older' },
        help: 'which of the two',
      },
    ],
    isRemote: true,
    changes: 'asks',
    examples: [{ does: 'the key before', command: 'rescind verifiers retire orders-api' }],
    load: async () => ({ run: (await import('./verifier-keys.ts')).runRetire }),
  },
  {
    name: 'watch',
    group: 'Look',
    summary: 'Print every revocation, hold, release and change as it happens',
    text: [
      'One line each: when, which row of the log, what, by whom, and why. It goes on where it was after the server or the',
      'network was away, until Ctrl-C. With --json a row is a line of JSON, as the audit lists it.',
    ],
    flags: [
      {
        name: 'since',
        value: 'TIME',
        help: 'begin with the rows from this time on (RFC 3339, or how long ago: 1h, 2d)',
      },
    ],
    isRemote: true,
    endsItself: true,
    examples: [
      { does: 'what happens from now on', command: 'rescind watch' },
      {
        does: 'the last six hours and what follows, for another program',
        command: 'rescind watch --since 6h --json',
      },
    ],
    load: () => import('./watch.ts'),
  },
]
