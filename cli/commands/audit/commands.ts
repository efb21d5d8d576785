import type { Commands } from '../../frame/command.ts'

export const AUDIT_COMMANDS: Commands = [
  {
    name: 'audit export',
    group: 'Stores and audit',
    summary: 'Print the log of a realm, as lines that `rescind audit verify` checks',
    flags: [
      {
        ...{ name: 'out', value: 'FILE', completes: 'file' },
        help: 'write a new file that only this user can read, instead of standard output',
      },
      { name: 'after', value: 'SEQ', help: 'leave out the rows up to this one' },
      { name: 'system', help: 'the log of the store itself: realms, keys, verifiers' },
    ],
    isRemote: true,
    examples: [
      { does: 'the whole log', command: 'rescind audit export --out export.ndjson' },
      { does: 'what is new', command: 'rescind audit export --after 4711 --out more.ndjson' },
    ],
    load: () => import('./export.ts'),
  },
  {
    name: 'evidence',
    group: 'Stores and audit',
    summary: 'Write a signed file of what is known of an incident, and check it',
    text: [
      'It holds the receipts with who refuses them and who accepted what they cover, the rows of the audit, and the chain',
      'between them. Whoever gets it checks it offline by `rescind audit verify FILE`; compare the thumbprint of the key.',
    ],
    positionals: [
      { name: 'RECEIPT', help: 'receipts that belong to it: rev_…', isOptional: true, isRepeated: true },
    ],
    flags: [
      {
        ...{ name: 'out', value: 'FILE', completes: 'file' },
        help: 'the new file, which only this user can read',
      },
      { name: 'reason', value: 'TEXT', help: 'all that was done for exactly this reason' },
      {
        name: 'cause',
        value: 'ID',
        help: 'all that came of this hold, schedule, approval or bulk call (blk_…)',
      },
      { name: 'row', value: 'SEQ', isRepeated: true, help: 'this row of the audit, too' },
      {
        name: 'since',
        value: 'TIME',
        help: 'nothing before (RFC 3339, or how long ago: 1h, 2d); alone: all revocations since',
      },
      { name: 'until', value: 'TIME', help: 'nothing at this time or later (RFC 3339, or how long ago)' },
      { name: 'system', help: 'of the log of the store itself: control keys, realms, verifiers' },
    ],
    isRemote: true,
    examples: [
      { does: 'of an incident', command: 'rescind evidence --reason "incident 42" --out incident-42.ndjson' },
      {
        does: 'of a bulk call',
        command: 'rescind evidence --cause blk_AAAAAAAAAAAAAAAAAAAAAA --out leak.ndjson',
      },
    ],
    load: () => import('./evidence.ts'),
  },
]
