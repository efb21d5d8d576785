import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { openWorld } from '../../test/kit/realm.ts'
import { chatAppValue } from './app-value.ts'
import { CHAT_APPS, isClientId } from './directory.ts'
import { addApp, openChat } from './fixture.test.ts'

const GOOD = { name: 'acme', apiKey: 'secret-a', clientKey: 'secret-c' }

test('an app is stored with digests of its keys, and found by either', async () => {
  const { realm } = await openWorld()
  const value = chatAppValue(realm, GOOD)
  assert.equal(JSON.stringify(value).includes('secret'), false)
  assert.equal(value.tokenLifetimeSeconds, 604_800)
  assert.deepEqual(CHAT_APPS.keys(value), [
    { name: 'apiKey', value: realm.secretDigest('secret-a') },
    { name: 'clientKey', value: realm.secretDigest('secret-c') },
  ])
})

test('invalid settings are refused with a one-line message that contains no key', async () => {
  const { realm } = await openWorld()
  const broken = [
    ...['', 'a/b', 'a b', 'é', 'x'.repeat(65), 'a\n'].map((name) => ({ ...GOOD, name })),
    { ...GOOD, apiKey: '' },
    { ...GOOD, clientKey: '' },
    { ...GOOD, clientKey: GOOD.apiKey },
    ...[0, -1, 1.5, Number.NaN, 400 * 86_400 + 1].map((tokenLifetimeSeconds) => ({
      ...GOOD,
      tokenLifetimeSeconds,
    })),
  ]
  for (const settings of broken) {
    assert.throws(
      () => chatAppValue(realm, settings),
      (error) =>
        error instanceof SettingsRefused &&
        !error.message.includes('\n') &&
        !error.message.includes('secret'),
    )
  }
  for (const tokenLifetimeSeconds of [1, 400 * 86_400])
    assert.equal(
      chatAppValue(realm, { ...GOOD, tokenLifetimeSeconds }).tokenLifetimeSeconds,
      tokenLifetimeSeconds,
    )
  assert.equal(chatAppValue(realm, { ...GOOD, name: 'A.b_c-9'.padEnd(64, 'x') }).name.length, 64)
})

test('no two apps share a key', async () => {
  const { realm } = await openChat()
  await addApp(realm, 'third', ['a', 'b'])
  await assert.rejects(addApp(realm, 'fourth', ['a', 'c']))
})

test('ids are 1 to 256 characters of well-formed text', () => {
  for (const id of ['a', ' ', '}', '\n', 'x'.repeat(256)]) assert.equal(isClientId(id), true)
  for (const id of ['', 'x'.repeat(257), '\ud800', 'a\0']) assert.equal(isClientId(id), false)
})
