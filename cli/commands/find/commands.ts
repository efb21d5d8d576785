import type { Commands } from '../../frame/command.ts'

/** What says whose something is, and how it ends. */
export const FIND_COMMANDS: Commands = [
  {
    name: 'find',
    group: 'End a leak',
    summary: 'Find whose something is, in every source and realm, and the commands that end it',
    text: [
      'TEXT is a name, an e-mail address, an id, a handle (tok_…), a receipt (rev_…), a jti, or - for what may be a secret: a token',
      'or a key, from standard input or a hidden prompt. Names are found whole, in any case of letters. A key of all realms searches',
      'all of them unless --realm, RESCIND_REALM or the profile names one. Exit code 1 also means that nothing was found.',
    ],
    positionals: [
      {
        name: 'TEXT',
        isOptional: true,
        help: 'what to look for; - or nothing: from standard input or a hidden prompt',
      },
    ],
    flags: [{ name: 'all', help: 'search every realm, although RESCIND_REALM or the profile names one' }],
    examples: [
      { does: 'everything of one person', command: 'rescind find ann' },
      { does: 'something that may be a token or a key: paste it', command: 'rescind find -' },
      { does: 'in a script', command: 'rescind find ann@example.org --json' },
    ],
    isRemote: true,
    load: () => import('./find.ts'),
  },
  {
    name: 'lookup',
    group: 'End a leak',
    summary: 'Say whose a token is, whether it is live, and the commands that end it',
    positionals: [
      {
        name: 'TOKEN',
        isOptional: true,
        help: 'its handle, tok_…; - or nothing: its text, from standard input or a hidden prompt',
      },
    ],
    flags: [{ name: 'handle', value: 'TOK', help: 'the same as TOKEN tok_…' }],
    examples: [
      { does: 'paste the token into the hidden prompt', command: 'rescind lookup' },
      { does: 'from a file', command: 'rescind lookup <token.txt' },
      { does: 'by its handle', command: 'rescind lookup tok_Zy3nPp0qV9mXc2a1b0LkQg' },
    ],
    isRemote: true,
    load: () => import('./lookup.ts'),
  },
]
