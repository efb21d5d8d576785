/** Variables of the command line. The server refuses variables that it does not know, so it is not shown these. */
export const CLIENT_VARIABLES = [
  'RESCIND_URL',
  'RESCIND_KEY',
  'RESCIND_KEY_FILE',
  'RESCIND_PROFILE',
  'RESCIND_REALM',
  'RESCIND_DEBUG',
] as const
