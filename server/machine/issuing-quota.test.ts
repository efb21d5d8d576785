import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realmOrdinal } from '@rescind/core'
import { issuingQuota } from './issuing-quota.ts'

const [ONE, OTHER] = [realmOrdinal(1), realmOrdinal(2)]

test('[W66] a caller may issue the quota of an hour and not one token more; a second caller keeps its own', () => {
  let nowMs = 0
  const quota = issuingQuota(2, () => nowMs)
  for (let nth = 0; nth < 7_200; nth += 1) {
    assert.equal(quota.waitSeconds(ONE, 'oauth:svc'), 0, String(nth))
    quota.issued(ONE, 'oauth:svc')
  }
  assert.equal(quota.waitSeconds(ONE, 'oauth:svc'), 1)
  for (const [realm, caller] of [
    [ONE, 'oauth:other'],
    [OTHER, 'oauth:svc'],
  ] as const)
    assert.equal(quota.waitSeconds(realm, caller), 0)
  nowMs = 500
  assert.equal(quota.waitSeconds(ONE, 'oauth:svc'), 0, 'two a second come back')
  quota.issued(ONE, 'oauth:svc')
  assert.equal(quota.waitSeconds(ONE, 'oauth:svc'), 1)
})

test('[W66] at 0 there is no quota', () => {
  const quota = issuingQuota(0, () => 0)
  for (let nth = 0; nth < 100; nth += 1) quota.issued(ONE, 'oauth:svc')
  assert.equal(quota.waitSeconds(ONE, 'oauth:svc'), 0)
})
