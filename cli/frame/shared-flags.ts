import type { CommandEntry, FlagSpec } from './entry.ts'

/** Flags of every command. */
export const COMMON_FLAGS: readonly FlagSpec[] = [
  {
    name: 'json',
    help: 'print JSON: one document, or one a line where items stream; errors on standard error',
  },
  {
    name: 'output',
    short: 'o',
    value: 'FORMAT',
    choices: ['text', 'json'],
    help: 'the same as --json with "json"',
  },
  { name: 'quiet', short: 'q', help: 'print results and errors, and nothing else' },
  { name: 'verbose', short: 'v', help: 'show each request: method, path, status and milliseconds' },
  { name: 'no-color', help: 'print no colours, as NO_COLOR does; FORCE_COLOR prints them into pipes, too' },
  { name: 'help', short: 'h', help: 'show this help' },
]

/** Flags of commands that speak to a server. */
export const REMOTE_FLAGS: readonly FlagSpec[] = [
  {
    ...{
      name: 'url',
      value: 'URL',
      environment: 'RESCIND_URL',
      preset: 'that of the profile, or http://127.0.0.1:8080',
    },
    help: 'the server; https, unless it is on this machine',
  },
  {
    ...{
      name: 'profile',
      value: 'NAME',
      environment: 'RESCIND_PROFILE',
      preset: 'the one logged in to last',
    },
    help: 'URL and key as `rescind login` has stored them',
  },
  {
    ...{
      name: 'realm',
      value: 'NAME',
      environment: 'RESCIND_REALM',
      preset: 'that of the profile, or default',
    },
    help: 'the realm',
  },
  { name: 'timeout', value: 'SECONDS', preset: '30', help: 'how long to wait for each answer' },
]

const DRY_RUN_FLAG: FlagSpec = {
  name: 'dry-run',
  help: 'show what would be changed, and change nothing',
}
const YES_FLAG: FlagSpec = { name: 'yes', short: 'y', help: 'do not ask before the change' }

/** The flags of a command in the order of its help, without the server's settings. */
export function flagsOf({ flags = [], changes, isRemote }: CommandEntry): readonly FlagSpec[] {
  return [
    ...flags,
    ...(changes === undefined ? [] : [DRY_RUN_FLAG]),
    ...(changes === 'asks' ? [YES_FLAG] : []),
    ...(isRemote === true ? REMOTE_FLAGS : []),
    ...COMMON_FLAGS,
  ]
}
