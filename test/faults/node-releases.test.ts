import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newerThanDemanded } from '../system/node-releases.ts'

test('[W92] only security releases newer than the demanded release of their line are found', () => {
  const releases = [
    { version: 'v26.10.1', security: true },
    { version: 'v26.11.0', security: false },
    { version: 'v26.10.0', security: true },
    { version: 'v26.9.9', security: true },
    { version: 'v24.22.0', security: true },
    { version: 'v24.3.1', security: true },
    { version: 'v22.99.0', security: true },
  ]
  assert.deepEqual(newerThanDemanded(releases, ['24.21.0', '26.10.0']), ['26.10.1', '24.22.0'])
  assert.deepEqual(newerThanDemanded(releases.slice(2, 4), ['24.21.0', '26.10.0']), [])
})
