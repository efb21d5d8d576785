import type { Commands } from '../../frame/command.ts'
import type { FlagSpec, PositionalSpec } from '../../frame/entry.ts'
import { namesOf, type Resource } from './resources.ts'

/** The kinds that a command knows, told in full by its help. */
function kinds(can: (resource: Resource) => boolean): Pick<PositionalSpec, 'name' | 'help' | 'choices'> {
  const choices = namesOf(can)
  return { name: 'RESOURCE', help: `what kind: ${choices.join(', ')}`, choices }
}

const LIMIT: FlagSpec = { name: 'limit', value: 'N', preset: '100', help: 'the most items of a list; 0: all' }

const SINCE: FlagSpec = {
  name: 'since',
  value: 'TIME',
  help: 'of audit and system-audit: only at this time or later, an instant or how long ago (1h)',
}

export const RECORD_COMMANDS: Commands = [
  {
    name: 'get',
    group: 'Look',
    summary: 'List what there is of a kind, or show one record',
    text: ['--json prints the record as the server has it: change the text, and give it to "rescind put".'],
    positionals: [
      kinds(() => true),
      {
        name: 'ID',
        help: 'the id or name of one, after that of what it belongs to',
        isOptional: true,
        isRepeated: true,
      },
    ],
    flags: [LIMIT, SINCE],
    isRemote: true,
    examples: [
      { does: 'all OAuth clients of a realm', command: 'rescind get clients --realm eu' },
      { does: 'one of them, as JSON', command: 'rescind get clients svc --json' },
      { does: 'who did what in the last hour', command: 'rescind get audit --since 1h' },
      { does: "a person's application credentials and API keys", command: 'rescind get user-credentials 77' },
    ],
    load: async () => ({ run: (await import('./get.ts')).run }),
  },
  {
    name: 'put',
    group: 'Change records',
    summary: 'Create a record, or change the one that there is',
    text: [
      'The file holds the members that the record shall have; of a record that exists, members that are not in the file stay as',
      'they are (a check profile is replaced as a whole). A change that somebody else has overtaken is refused.',
    ],
    positionals: [
      kinds(({ creates, changes }) => creates === true || changes !== undefined),
      { name: 'ID', help: 'the id or name; without it, a new record is created', isOptional: true },
    ],
    flags: [
      {
        name: 'file',
        short: 'f',
        value: 'FILE',
        completes: 'file',
        help: 'a file of JSON ("-": standard input)',
      },
      {
        name: 'secret-file',
        value: 'FILE',
        completes: 'file',
        help: 'a new file, for this user alone, that gets the secret made',
      },
      { name: 'show-secret', help: 'print the secret that is made, which is shown this once' },
    ],
    isRemote: true,
    changes: 'acts',
    exits: ['awaiting'],
    examples: [
      {
        does: 'a client from a file',
        command: 'rescind put clients svc -f svc.json --secret-file svc.secret',
      },
      {
        does: 'a key that only reads (roles: metrics, viewer, responder, admin); the owner is who holds it',
        command: `echo '{"name": "dashboard", "role": "viewer", "owner": "ann"}' | rescind put keys -f - --secret-file dashboard.key`,
      },
      {
        does: 'more than 100 tokens at once end only with the approval of a second person',
        command: `echo '{"approvalAboveTokens": 100}' | rescind put settings -f -`,
      },
      { does: 'switch it off', command: `echo '{"enabled": false}' | rescind put clients svc -f -` },
      { does: 'see what would change', command: 'rescind put clients svc -f svc.json --dry-run' },
    ],
    load: async () => ({ run: (await import('./put.ts')).run }),
  },
  {
    name: 'delete',
    group: 'Change records',
    summary: 'Delete a record, with all that comes of it',
    positionals: [
      kinds(({ removes }) => removes === true),
      { name: 'ID', help: 'its id or name, after that of what it belongs to', isRepeated: true },
    ],
    isRemote: true,
    changes: 'asks',
    examples: [
      { does: 'a client, after a question', command: 'rescind delete clients svc' },
      { does: 'a control key, in a script', command: 'rescind delete keys key_x7b2 --yes' },
    ],
    load: async () => ({ run: (await import('./delete.ts')).run }),
  },
]
