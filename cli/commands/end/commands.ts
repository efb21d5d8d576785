import type { Commands } from '../../frame/command.ts'
import type { FlagSpec, PositionalSpec } from '../../frame/entry.ts'
import { REASON_FLAGS, WAIT_FLAG } from '../../targets/flags.ts'

const KIND: PositionalSpec = {
  name: 'KIND',
  choices: ['client', 'user', 'chat-app', 'issuer'],
  help: 'client (OAuth), user (Identity), chat-app, issuer',
}
const NAME: PositionalSpec = { name: 'NAME', help: 'its id or name; of an issuer its URL' }
const REASON: FlagSpec = { name: 'reason', value: 'TEXT', help: 'why, for the audit (a chat app keeps none)' }

/** What ends, and shuts out, somebody or something with a record. */
export const END_COMMANDS: Commands = [
  {
    name: 'end user',
    group: 'End a leak',
    summary: 'End all tokens and credentials of an Identity user, on request its password, too',
    text: [
      'Its tokens, API key and application credentials always end. Without --password, whoever knows the password can log in',
      'again and get new tokens; with it, nobody can log in as this user until an administrator has set another one.',
      'In other sources the same person may have other names: rescind find NAME.',
    ],
    positionals: [{ name: 'USER', help: 'the id of the user; rescind find NAME shows it' }],
    flags: [
      ...REASON_FLAGS,
      { name: 'password', help: 'end the password, too' },
      { name: 'second-factors', help: 'end its second factors, too; only with --password' },
      WAIT_FLAG,
    ],
    examples: [
      {
        does: 'shows what would end, and asks',
        command: 'rescind end user 77 --password --reason "stolen laptop"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    exits: ['unenforced', 'awaiting'],
    load: async () => ({ run: (await import('./end.ts')).runUser }),
  },
  {
    name: 'end chat-client',
    group: 'End a leak',
    summary: 'End all tokens of a client of a chat app',
    text: [
      'The app may give it another token at once. To keep it out: rescind hold --source chat/APP --client CLIENT.',
    ],
    positionals: [
      { name: 'APP', help: 'the name of the chat app' },
      { name: 'CLIENT', help: 'the id of the client; rescind find NAME shows it' },
    ],
    flags: [...REASON_FLAGS, WAIT_FLAG],
    examples: [
      {
        does: 'shows what would end, and asks',
        command: 'rescind end chat-client acme ann --reason "stolen phone"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    exits: ['unenforced', 'awaiting'],
    load: async () => ({ run: (await import('./end.ts')).runChatClient }),
  },
  {
    name: 'disable',
    group: 'End a leak',
    summary: 'Shut out a client, a user, a chat app or an issuer, and end its tokens',
    positionals: [KIND, NAME],
    flags: [REASON],
    examples: [
      {
        does: 'shows what would end, and asks',
        command: 'rescind disable client svc --reason "leaked secret"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    load: async () => ({ run: (await import('./enabled.ts')).runDisable }),
  },
  {
    name: 'enable',
    group: 'Change records',
    summary: 'Let in again what was disabled; what has ended stays over',
    text: ['Needs a key of the role admin.'],
    positionals: [KIND, NAME],
    flags: [REASON],
    examples: [{ does: 'a client', command: 'rescind enable client svc --reason "new secret"' }],
    isRemote: true,
    changes: 'acts',
    load: async () => ({ run: (await import('./enabled.ts')).runEnable }),
  },
]
