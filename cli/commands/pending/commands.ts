import type { Commands } from '../../frame/command.ts'
import type { FlagSpec, PositionalSpec } from '../../frame/entry.ts'
import { REASON_FLAGS, TARGET_FLAGS, TARGET_WORD, TIME_TEXT, WAIT_FLAG } from '../../targets/flags.ts'

const APPROVAL_ID: PositionalSpec = { name: 'APPROVAL', help: 'apr_…' }
const SCHEDULE_ID: PositionalSpec = { name: 'SCHEDULE', help: 'sch_…' }
const ENDED: FlagSpec = { name: 'ended', help: 'those that have ended, instead' }
const REASON: FlagSpec = { name: 'reason', value: 'TEXT', help: 'why, for the audit' }

/** What waits: for a second person, or for its time. */
export const PENDING_COMMANDS: Commands = [
  {
    name: 'approvals',
    group: 'End a leak',
    summary: 'List what waits for the approval of a second person',
    flags: [ENDED],
    examples: [
      { does: 'what waits', command: 'rescind approvals' },
      { does: 'what became of the others', command: 'rescind approvals --ended' },
    ],
    isRemote: true,
    load: async () => ({ run: (await import('./approvals.ts')).runList }),
  },
  {
    name: 'approvals show',
    group: 'End a leak',
    summary: 'Show a request for approval, and what became of it',
    positionals: [APPROVAL_ID],
    examples: [{ does: 'one of them', command: 'rescind approvals show apr_Zy3nPp0qV9mXc2a1b0LkQg' }],
    isRemote: true,
    load: async () => ({ run: (await import('./approvals.ts')).runShow }),
  },
  {
    name: 'approvals approve',
    group: 'End a leak',
    summary: 'Agree to what another person asks for: it is done at once',
    text: ['Needs a key of another owner than the key that asked.'],
    positionals: [APPROVAL_ID],
    flags: [REASON, WAIT_FLAG],
    examples: [
      { does: 'shows it, and asks', command: 'rescind approvals approve apr_Zy3nPp0qV9mXc2a1b0LkQg' },
      {
        does: 'and waits until every verifier refuses what it ended',
        command: 'rescind approvals approve apr_Zy3nPp0qV9mXc2a1b0LkQg --wait',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    exits: ['unenforced'],
    load: async () => ({ run: (await import('./approvals.ts')).runApprove }),
  },
  {
    name: 'approvals deny',
    group: 'End a leak',
    summary: 'Refuse what another person asks for, or take back what you have asked for',
    positionals: [APPROVAL_ID],
    flags: [REASON],
    examples: [{ does: 'shows it, and asks', command: 'rescind approvals deny apr_Zy3nPp0qV9mXc2a1b0LkQg' }],
    isRemote: true,
    changes: 'asks',
    load: async () => ({ run: (await import('./approvals.ts')).runDeny }),
  },
  {
    name: 'schedule',
    group: 'End a leak',
    summary: 'Have the server revoke a target at a given time: what was issued until then',
    text: ['Targets are named as in: rescind revoke --help.', TIME_TEXT],
    positionals: [TARGET_WORD],
    flags: [{ name: 'at', value: 'TIME', help: 'when' }, ...REASON_FLAGS, ...TARGET_FLAGS],
    examples: [
      {
        does: 'the last day of a contractor',
        command:
          'rescind schedule --at "2026-12-31 18:00" --source oauth --subject ann --reason "end of contract"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    load: async () => ({ run: (await import('./schedule.ts')).run }),
  },
  {
    name: 'schedule list',
    group: 'End a leak',
    summary: 'List the revocations that wait for their time',
    flags: [ENDED],
    examples: [{ does: 'what waits', command: 'rescind schedule list' }],
    isRemote: true,
    load: async () => ({ run: (await import('./schedule.ts')).runList }),
  },
  {
    name: 'schedule show',
    group: 'End a leak',
    summary: 'Show a scheduled revocation, and what became of it',
    positionals: [SCHEDULE_ID],
    examples: [{ does: 'one of them', command: 'rescind schedule show sch_Zy3nPp0qV9mXc2a1b0LkQg' }],
    isRemote: true,
    load: async () => ({ run: (await import('./schedule.ts')).runShow }),
  },
  {
    name: 'schedule cancel',
    group: 'End a leak',
    summary: 'Have a scheduled revocation not done',
    positionals: [SCHEDULE_ID],
    examples: [{ does: 'shows it, and asks', command: 'rescind schedule cancel sch_Zy3nPp0qV9mXc2a1b0LkQg' }],
    isRemote: true,
    changes: 'asks',
    load: async () => ({ run: (await import('./schedule.ts')).runCancel }),
  },
]
