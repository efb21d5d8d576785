import type { Commands } from '../../frame/command.ts'
import type { FlagSpec } from '../../frame/entry.ts'
import { REMOTE_FLAGS } from '../../frame/shared-flags.ts'

const EPOCH_FLAGS: readonly FlagSpec[] = [
  {
    ...{ name: 'known-position', value: 'POSITION', isRepeated: true },
    help: 'a position from a receipt or a verifier: tokens stay valid in a realm whose log reaches it',
  },
  {
    name: 'keep-tokens',
    help: 'keep tokens valid although revocations may be missing: say it only when none can be',
  },
]

export const STORE_COMMANDS: Commands = [
  {
    name: 'audit verify',
    group: 'Stores and audit',
    summary: 'Check an export, evidence of an incident, or the logs of a server or of a stopped store',
    text: [
      'Without FILE the logs of the server are checked that --url, --profile, RESCIND_URL or the last login names, as it exports',
      'them; with a setting such as --store, or where no server is named, those of a stopped store.',
    ],
    positionals: [
      {
        name: 'FILE',
        help: 'an export or evidence ("-": standard input); without it, a server or a store is checked',
        isOptional: true,
        completes: 'file',
      },
    ],
    flags: [
      {
        name: 'position',
        value: 'POSITION',
        isRepeated: true,
        help: 'a known position that must be in the log',
      },
      {
        name: 'signer',
        value: 'FILE|THUMBPRINT',
        help: 'the key that evidence must be signed with: its thumbprint, or a file with the key or that',
      },
      ...REMOTE_FLAGS,
    ],
    takesSettings: true,
    examples: [
      { does: 'an export', command: 'rescind audit verify export.ndjson' },
      {
        does: 'evidence, by a key that is known',
        command: 'rescind audit verify --signer evidence-key.json evidence.ndjson',
      },
      { does: 'a server', command: 'rescind audit verify --url https://rescind.example' },
      { does: 'a stopped store', command: 'rescind audit verify --store sqlite:rescind-data/rescind.db' },
    ],
    load: () => import('./audit-verify.ts'),
  },
  {
    name: 'backup',
    group: 'Stores and audit',
    summary: 'Copy the store as it is at one moment, even while it is served',
    positionals: [{ name: 'FILE', help: 'the copy', completes: 'file' }],
    takesSettings: true,
    changes: 'acts',
    examples: [{ does: 'a copy of today', command: 'rescind backup backup-2026-11-30.db' }],
    load: () => import('./backup.ts'),
  },
  {
    name: 'restore',
    group: 'Stores and audit',
    summary: 'Make a store from a backup, in a new epoch',
    text: [
      'Every token issued before is lost, unless --side-log FILE continues the backup and was closed in order, or',
      'reaches a --known-position, or --keep-tokens says that nothing was revoked since.',
    ],
    positionals: [{ name: 'FILE', help: 'the backup', completes: 'file' }],
    flags: EPOCH_FLAGS,
    takesSettings: true,
    changes: 'acts',
    examples: [
      {
        does: 'with the revocations after the backup',
        command: 'rescind restore backup.db --side-log other-volume/rescind.log',
      },
    ],
    load: () => import('./restore.ts'),
  },
  {
    name: 'epoch new',
    group: 'Stores and audit',
    summary: 'Start a new epoch on a stopped store, after a fork or a takeover',
    flags: EPOCH_FLAGS,
    takesSettings: true,
    changes: 'acts',
    examples: [
      {
        does: 'after a standby took over',
        command: 'rescind epoch new --store postgres://rescind@127.0.0.1/rescind',
      },
    ],
    load: () => import('./epoch-new.ts'),
  },
  {
    name: 'store check',
    group: 'Stores and audit',
    summary: 'Check a stopped store as a start would, and every row of its logs, and say what to do',
    takesSettings: true,
    examples: [
      { does: 'before it is served', command: 'rescind store check --store sqlite:rescind-data/rescind.db' },
    ],
    load: () => import('./check.ts'),
  },
  {
    name: 'store migrate',
    group: 'Stores and audit',
    summary: 'Move a stopped store from SQLite to PostgreSQL, or back',
    text: ['If it is cut off, run it again. The old store refuses to start afterwards.'],
    positionals: [
      { name: 'FROM', help: 'sqlite:PATH or postgres://USER@HOST/DATABASE' },
      { name: 'TO', help: 'the other one' },
    ],
    takesSettings: true,
    changes: 'acts',
    examples: [
      {
        does: 'to PostgreSQL',
        command: 'rescind store migrate sqlite:rescind-data/rescind.db postgres://rescind@127.0.0.1/rescind',
      },
    ],
    load: () => import('./migrate.ts'),
  },
  {
    name: 'key new',
    group: 'Stores and audit',
    summary: 'Make a control key on a stopped store, when no key is left that could make one',
    text: [
      'It needs the store and its master key, and leaves a row in the audit of the realm system. A running server makes keys by',
      '"rescind put keys". A store in PostgreSQL may be served meanwhile: its nodes take the key at once.',
    ],
    flags: [
      {
        name: 'role',
        value: 'ROLE',
        choices: ['metrics', 'viewer', 'responder', 'admin'],
        help: 'what it may do',
      },
      { name: 'name', value: 'NAME', help: 'what it is called in lists and in the audit' },
      { name: 'realm', value: 'NAME', preset: 'all realms', help: 'the only realm that it is for' },
      { name: 'owner', value: 'PERSON', help: 'the login name or e-mail address of who gets it' },
      {
        name: 'secret-file',
        value: 'FILE',
        completes: 'file',
        help: 'a new file, for this user alone, that gets the key',
      },
      { name: 'show-secret', help: 'print the key' },
    ],
    takesSettings: true,
    changes: 'acts',
    examples: [
      {
        does: 'when the last admin key is lost',
        command: 'rescind key new --role admin --name recovery --secret-file admin.key',
      },
    ],
    load: () => import('./key-new.ts'),
  },
]
