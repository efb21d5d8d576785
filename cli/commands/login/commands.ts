import type { Commands } from '../../frame/command.ts'

export const LOGIN_COMMANDS: Commands = [
  {
    name: 'login',
    group: 'This command',
    summary: 'Store the URL and the key of a server as a profile, once the server has accepted them',
    text: [
      'The URL comes from --url or a prompt, the key from RESCIND_KEY_FILE, RESCIND_KEY or a hidden prompt.',
      'Only this user can read the file of profiles. The profile logged in to last is used when nothing else names a server.',
    ],
    flags: [
      {
        name: 'url',
        value: 'URL',
        environment: 'RESCIND_URL',
        help: 'the server; https, unless it is on this machine',
      },
      { name: 'profile', value: 'NAME', preset: 'default', help: 'the name of the profile' },
      { name: 'realm', value: 'NAME', help: 'the realm that commands mean without --realm' },
      { name: 'timeout', value: 'SECONDS', preset: '30', help: 'how long to wait for the answer' },
    ],
    examples: [
      { does: 'asks for the key', command: 'rescind login --url https://tokens.example.org' },
      {
        does: 'a second server',
        command: 'RESCIND_KEY_FILE=key.txt rescind login --profile staging --url https://staging.example.org',
      },
    ],
    load: () => import('./login.ts'),
  },
  {
    name: 'logout',
    group: 'This command',
    summary: 'Forget a profile and its key',
    flags: [
      { name: 'profile', value: 'NAME', preset: 'the one logged in to last', help: 'the profile' },
      { name: 'all', help: 'forget every profile' },
    ],
    changes: 'acts',
    examples: [{ does: 'all of them', command: 'rescind logout --all' }],
    load: () => import('./logout.ts'),
  },
  {
    name: 'profiles',
    group: 'This command',
    summary: 'List the profiles, without their keys',
    examples: [{ does: 'as JSON', command: 'rescind profiles --json' }],
    load: () => import('./profiles.ts'),
  },
]
