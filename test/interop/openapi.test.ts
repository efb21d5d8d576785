import './packages.ts'
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { CONTROL } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'

// The control API's document, read by tools that we did not write.

const TSC = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'rescind-openapi-'))
let document = ''

before(async () => {
  const server = await openServer({ time: 'hand', flags: ['--public-url', 'https://rescind.test'] })
  const [, authorization = ''] = CONTROL.split(': ')
  const answer = await fetch(`${server.url}/control/v1/openapi.json`, { headers: { authorization } })
  document = await answer.text()
  await server.close()
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** Ids of revocations begin with `rev_`, so nothing else of `/revocations/{id}/…` is meant by these paths. */
const NO_ID = /`\/control\/v1\/revocations\/(?:scheduled|bulk)\/\{\w+\}`/

test('[W45] the recommended rules of Redocly find nothing', async () => {
  const { createConfig, lintFromString } = await import('@redocly/openapi-core')
  const config = await createConfig({
    extends: ['recommended'],
    rules: { 'operation-description': 'error', 'tag-description': 'error' },
  })
  const problems = await lintFromString({ source: document, absoluteRef: 'openapi.json', config })
  const said = problems
    .filter(({ message }) => !NO_ID.test(message))
    .map(({ ruleId, message, location: [at] }) => `${ruleId} ${at?.pointer}: ${message}`)
  assert.deepEqual(said, [])
})

test('[W45] types that openapi-typescript makes of it compile strictly, and are those of the API', async () => {
  const { astToString, default: typesOf } = await import('openapi-typescript')
  writeFileSync(join(folder, 'api.ts'), astToString(await typesOf(JSON.parse(document))))
  writeFileSync(
    join(folder, 'use.ts'),
    `import type { components, operations, paths } from './api.ts'
type Revoked = operations['revoke']['responses'][201]['content']['application/json']
export const id: (revoked: Revoked) => string = ({ id }) => id
export const keys: paths['/control/v1/keys']['get']['responses'][200]['content']['application/json'] = { keys: [] }
export const detail: (problem: components['schemas']['Problem']) => string = ({ detail }) => detail
// @ts-expect-error a number is no reason
export const body: operations['revoke']['requestBody']['content']['application/json'] = { target: { realm: true }, reason: 7 }
`,
  )
  const flags = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noEmit',
    '--allowImportingTsExtensions',
    '--module',
    'nodenext',
  ]
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...flags, 'use.ts'], {
    cwd: folder,
    encoding: 'utf8',
  })
  assert.equal(stdout, '')
  assert.equal(status, 0)
})
