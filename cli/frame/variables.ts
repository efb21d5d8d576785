/** Variables of the command line. The server refuses variables that it does not know, so it is not shown these. */
export const VARIABLE_MEANINGS = {
  RESCIND_URL: 'the server; https, unless it is on this machine',
  RESCIND_KEY_FILE: 'a file with the control key, which no other user may read',
  RESCIND_KEY: 'the control key',
  RESCIND_PROFILE: 'the profile to use',
  RESCIND_REALM: 'the realm',
  RESCIND_DEBUG: '1: show where a bug of this program is',
} as const

export type ClientVariable = keyof typeof VARIABLE_MEANINGS

export const CLIENT_VARIABLES: readonly ClientVariable[] = Object.keys(VARIABLE_MEANINGS) as ClientVariable[]
