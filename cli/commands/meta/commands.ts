import type { Commands } from '../../frame/command.ts'

export const META_COMMANDS: Commands = [
  {
    name: 'version',
    group: 'This command',
    summary: 'Show the version',
    examples: [{ does: 'for a script', command: 'rescind version --json' }],
    load: () => import('./version.ts'),
  },
]
