import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { digestAt, factsAt, handleAt } from '../../test/kit/samples.ts'
import { GroupRules } from './group-rules.ts'
import type { Write } from './writes.ts'

const REALM = realmOrdinal(1)

function revocationOf(number: number): Write {
  const target = {
    kind: 'token',
    source: 'chat/acme',
    digest: digestAt(number),
    handle: handleAt(number),
  } as const
  const rule = { kind: 'revoke', target, keepUntilMs: 1 } as const
  const row = { atMs: 1, rule, bytes: new Uint8Array(0), audit: '{}' }
  return { realm: REALM, dependsOn: [], expects: [], operations: [{ kind: 'append', row }] }
}

test('a revocation of a text covers the same text bound again in the same group under another handle', () => {
  const rules = new GroupRules()
  rules.add(revocationOf(1))
  assert.equal(rules.cover(REALM, factsAt(2, { digest: digestAt(1) })), true)
  assert.equal(rules.cover(REALM, factsAt(2, { handle: handleAt(1) })), true)
  assert.equal(rules.cover(REALM, factsAt(2)), false)
})
