import type { Commands } from '../../frame/command.ts'

export const BULK_COMMANDS: Commands = [
  {
    name: 'bulk',
    group: 'End a leak',
    summary: 'Revoke every token that a list or a log holds',
    text: [
      'The server looks for tokens anywhere in each line. After Ctrl-C, or when anything breaks, the same command with the',
      'same list goes on where it was, within a day. No part of the list is kept on this machine. Exit code 1 also when the',
      'list holds what is not ended by it (keys, secrets, tokens of other realms) or lines that cannot be read whole.',
      'Approvals do not apply (approvalAboveTokens): one person may end all that the list holds.',
    ],
    positionals: [
      { name: 'FILE', help: 'the list as it was found ("-": standard input)', completes: 'file' },
    ],
    flags: [
      { name: 'reason', value: 'TEXT', help: 'why, for the log; required unless --dry-run' },
      { name: 'note', value: 'TEXT', help: 'more about it, for the log' },
      {
        ...{ name: 'report', value: 'FILE', completes: 'file' },
        help: 'write what became of each line, for this user alone; never a token',
      },
      {
        ...{ name: 'format', value: 'FORMAT', choices: ['csv', 'ndjson', 'evidence'] },
        ...{
          preset: 'csv for a FILE.csv, else ndjson',
          help: 'of the report; evidence is signed, and made once all is done (`rescind evidence`)',
        },
      },
      { name: 'restart', help: 'forget an interrupted call with this list, and begin a new one' },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    outlivesReaders: true,
    examples: [
      { does: 'what it would end', command: 'rescind bulk leak.txt --dry-run' },
      {
        does: 'end it, with a report',
        command: 'rescind bulk leak.txt --reason "incident 42" --report incident-42.csv',
      },
      {
        does: 'from another program',
        command: 'gunzip -c proxy.log.gz | rescind bulk - --reason "incident 42" --yes',
      },
    ],
    load: () => import('./bulk.ts'),
  },
]
