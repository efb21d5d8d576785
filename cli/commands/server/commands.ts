import type { Commands } from '../../frame/command.ts'

export const SERVER_COMMANDS: Commands = [
  {
    name: 'serve',
    group: 'Run a server',
    summary: 'Run the server',
    text: [
      'It listens on 127.0.0.1:8080 and keeps its data in ./rescind-data, unless told otherwise. SIGTERM stops it in order.',
    ],
    takesSettings: true,
    examples: [
      { does: 'with the defaults', command: 'rescind serve' },
      {
        does: 'behind a proxy, on another port',
        command: 'rescind serve --listen 127.0.0.1:9000 --behind-proxy 127.0.0.1/32',
      },
    ],
    load: () => import('./serve.ts'),
  },
  {
    name: 'config explain',
    group: 'Run a server',
    summary: 'Show every setting, its value, and where the value comes from',
    takesSettings: true,
    examples: [{ does: 'what a server started here would use', command: 'rescind config explain' }],
    load: () => import('./config-explain.ts'),
  },
  {
    name: 'clock confirm',
    group: 'Run a server',
    summary: 'Vouch for the clock of a server, after it was found to have jumped',
    text: ['Check the time of the machine first. What has expired by that clock is dropped from then on.'],
    isRemote: true,
    changes: 'asks',
    examples: [{ does: 'after the clock was set right', command: 'rescind clock confirm' }],
    load: () => import('./clock-confirm.ts'),
  },
]
