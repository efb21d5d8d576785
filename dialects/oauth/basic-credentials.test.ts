import assert from 'node:assert/strict'
import { test } from 'node:test'
import { basicClaims, CLAIMS_CACHED_MAX } from './basic-credentials.ts'

function header(credentials: string): string {
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`
}

test('the same header has the same readings, and one entry past the bound clears the cache', () => {
  const first = header('first:secret')
  const claims = basicClaims(first)
  assert.deepEqual(
    claims.map(({ clientId }) => clientId),
    ['first'],
  )
  for (let number = 1; number < CLAIMS_CACHED_MAX; number += 1) basicClaims(header(`other-${number}:secret`))
  const again = basicClaims(first)
  for (let number = 0; number <= CLAIMS_CACHED_MAX; number += 1) basicClaims(header(`more-${number}:secret`))
  const anew = basicClaims(first)
  assert.notEqual(anew, again, 'what was remembered was forgotten')
  assert.deepEqual(
    anew.map(({ clientId }) => clientId),
    ['first'],
  )
})

test('headers longer than the cache accepts are parsed every time', () => {
  const long = header(`client:${'s'.repeat(600)}`)
  assert.notEqual(basicClaims(long), basicClaims(long))
  assert.equal(basicClaims(long)[0]?.clientId, 'client')
})
