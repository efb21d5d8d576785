import type { Commands } from '../../frame/command.ts'
import type { PositionalSpec } from '../../frame/entry.ts'
import {
  HOLD_FLAGS,
  REASON_FLAGS,
  TARGET_FLAGS,
  TARGET_WORD,
  TIME_TEXT,
  WAIT_FLAG,
} from '../../targets/flags.ts'

const HOLD_ID: PositionalSpec = { name: 'HOLD', help: 'hold_…' }
const REASON = REASON_FLAGS.slice(0, 1)

export const REVOKE_COMMANDS: Commands = [
  {
    name: 'revoke',
    group: 'End a leak',
    summary: 'End a leaked token (rescind revoke -), or all of a person or client: shows it first, and asks',
    text: [
      'Begin with the text of a leaked token: rescind revoke -. It is asked for without being shown, and stands nowhere after.',
      'Revoking never hits what is issued later: whoever signs in again gets new tokens. Ending a refresh token ends its grant.',
      'Without --yes nothing happens before you have seen what would end and have said yes; with it, exactly what a preview counted',
      'is ended, or nothing. --hold suspends instead, until you have decided.',
      TIME_TEXT,
    ],
    positionals: [TARGET_WORD],
    flags: [
      ...REASON_FLAGS,
      ...TARGET_FLAGS,
      WAIT_FLAG,
      { name: 'hold', help: 'place a hold instead, which can be lifted again' },
      ...HOLD_FLAGS,
    ],
    examples: [
      { does: 'a leaked token: paste it into the hidden prompt', command: 'rescind revoke -' },
      {
        does: 'the same from a file, in a script',
        command: 'rescind revoke - --reason "incident 42" --yes <token.txt',
      },
      {
        does: 'everything of one person in one source; `rescind find ann` lists the sources',
        command: 'rescind revoke --source oauth --subject ann --reason "stolen laptop" --wait',
      },
      { does: 'only look', command: 'rescind revoke --source oauth --client svc --dry-run' },
      {
        does: 'refused everywhere for an hour, then as before, unless it is revoked by then',
        command: 'rescind revoke --source oauth --client svc --hold --for 1h --reason "odd traffic"',
      },
      {
        does: 'a token of a registered issuer, which nobody needs to have seen',
        command: 'rescind revoke --issuer https://login.example.org --jti 8f14e45f --reason "incident 42"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    exits: ['unenforced', 'awaiting'],
    load: () => import('./revoke.ts'),
  },
]

export const HOLD_COMMANDS: Commands = [
  {
    name: 'hold',
    group: 'End a leak',
    summary: 'Refuse a target everywhere until a deadline; it can be lifted again',
    text: ['Targets are named as in: rescind revoke --help.', TIME_TEXT],
    positionals: [TARGET_WORD],
    flags: [...REASON_FLAGS, ...TARGET_FLAGS, ...HOLD_FLAGS],
    examples: [
      {
        does: 'a client that behaves oddly',
        command: 'rescind hold --source oauth --client svc --for 1h --reason "odd traffic"',
      },
      {
        does: 'a token, which ends for good if nobody decides within a day',
        command: 'rescind hold - --for 1d --at-deadline revoke --reason "incident 42"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    load: () => import('./hold.ts'),
  },
  {
    name: 'hold list',
    group: 'End a leak',
    summary: 'List the holds that are in force',
    flags: [{ name: 'ended', help: 'those that have ended, instead' }],
    examples: [{ does: 'what became of the others', command: 'rescind hold list --ended' }],
    isRemote: true,
    load: async () => ({ run: (await import('./holds.ts')).runList }),
  },
  {
    name: 'hold show',
    group: 'End a leak',
    summary: 'Show a hold, and what became of it',
    positionals: [HOLD_ID],
    examples: [{ does: 'one of them', command: 'rescind hold show hold_Zy3nPp0qV9mXc2a1b0LkQg' }],
    isRemote: true,
    load: async () => ({ run: (await import('./holds.ts')).runShow }),
  },
  {
    name: 'hold extend',
    group: 'End a leak',
    summary: 'Put the deadline of a hold off',
    text: [TIME_TEXT],
    positionals: [HOLD_ID],
    flags: [
      { name: 'for', value: 'TIME', help: 'how long from now: 90s, 30m, 1h, 7d' },
      { name: 'until', value: 'TIME', help: 'the new deadline, as an instant' },
      ...REASON,
    ],
    examples: [
      { does: 'a week from now', command: 'rescind hold extend hold_Zy3nPp0qV9mXc2a1b0LkQg --for 7d' },
    ],
    isRemote: true,
    changes: 'acts',
    load: async () => ({ run: (await import('./holds.ts')).runExtend }),
  },
  {
    name: 'hold revoke',
    group: 'End a leak',
    summary: 'End for good what a hold holds, and nothing that is issued later',
    positionals: [HOLD_ID],
    flags: [...REASON, WAIT_FLAG],
    examples: [
      {
        does: 'asks first',
        command: 'rescind hold revoke hold_Zy3nPp0qV9mXc2a1b0LkQg --reason "it was a thief"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    endsItself: true,
    exits: ['unenforced'],
    load: async () => ({ run: (await import('./holds.ts')).runRevoke }),
  },
  {
    name: 'release',
    group: 'End a leak',
    summary: 'Lift a hold; other holds over the same target stay in force',
    positionals: [HOLD_ID],
    flags: [
      ...REASON,
      {
        name: 'not-here',
        help: 'lift one that this server does not know and verifiers do, after a restore; needs --reason',
      },
    ],
    examples: [
      {
        does: 'asks first',
        command: 'rescind release hold_Zy3nPp0qV9mXc2a1b0LkQg --reason "it was a test"',
      },
    ],
    isRemote: true,
    changes: 'asks',
    load: async () => ({ run: (await import('./holds.ts')).runRelease }),
  },
]
