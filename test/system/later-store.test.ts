import { runFiles } from '../batches/batch.ts'

/**
 * What races, what is cached and what is read before it is judged, over a store that answers in later turns of the event
 * loop and has no keyed reads: as any store behind a network.
 */
process.env['TEST_STORE'] = 'later'

runFiles([
  ...[
    'authority/directory/directory.test.ts',
    'authority/realm/issue.test.ts',
    'authority/realm/revoke.test.ts',
  ],
  ...['dialects/chat/bind.test.ts', 'dialects/chat/races.test.ts', 'dialects/chat/revoke.test.ts'],
  ...['dialects/chat/tombstones.test.ts', 'dialects/identity/v2/login.test.ts'],
  ...['dialects/identity/v2/revoke.test.ts', 'dialects/identity/v2/validate.test.ts'],
  ...['dialects/oauth/code-reuse.test.ts', 'dialects/oauth/replay.test.ts', 'dialects/oauth/reuse.test.ts'],
  ...['dialects/oauth/revocation-endpoint.test.ts', 'test/acceptance/ancestors.test.ts'],
  'test/acceptance/who-may.test.ts',
])
