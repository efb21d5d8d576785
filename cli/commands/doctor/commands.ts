import type { Commands } from '../../frame/command.ts'
import { REMOTE_FLAGS } from '../../frame/shared-flags.ts'

export const DOCTOR_COMMANDS: Commands = [
  {
    name: 'doctor',
    group: 'Run a server',
    summary:
      'Look for what is wrong with the store, the disk, the keys, the clock and the server, and say what to do',
    text: [
      'It looks at the store that the settings here name, beside a server that has it open, and changes nothing: the disk is measured',
      'with a small file of its own. The server is asked by --url, RESCIND_URL or a profile; the verifiers of --realm need a key.',
    ],
    flags: REMOTE_FLAGS,
    takesSettings: true,
    examples: [
      { does: 'this machine and its server', command: 'rescind doctor' },
      {
        does: 'another store',
        command: 'rescind doctor --store sqlite:/var/lib/rescind/rescind-data/rescind.db',
      },
    ],
    load: () => import('./doctor.ts'),
  },
]
