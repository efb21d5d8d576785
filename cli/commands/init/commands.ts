import type { Commands } from '../../frame/command.ts'

export const INIT_COMMANDS: Commands = [
  {
    name: 'init',
    group: 'Run a server',
    summary:
      'Write what a new server needs: settings with comments, a master key, a systemd unit, a compose file',
    text: [
      'Settings that are given as flags are set in the file; all others are in it as comments, with what they mean and their defaults.',
      'Nothing is overwritten. The first start makes the store and the first control key.',
    ],
    flags: [
      {
        name: 'folder',
        value: 'FOLDER',
        preset: 'this one',
        completes: 'folder',
        help: 'where the server will run',
      },
    ],
    takesSettings: true,
    changes: 'acts',
    examples: [
      { does: 'what would be written', command: 'rescind init --dry-run' },
      {
        does: 'a server behind a proxy',
        command:
          'rescind init --folder /var/lib/rescind --public-url https://tokens.example.org --behind-proxy 127.0.0.1/32',
      },
    ],
    load: () => import('./init.ts'),
  },
]
