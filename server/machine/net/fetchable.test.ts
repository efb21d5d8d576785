import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFetchable } from './fetchable.ts'

test('[W105] a URL that would never be fetched is recognised from its text: internal addresses in every spelling, plain http', () => {
  const never = [
    'https://169.254.169.254/',
    'https://127.0.0.1/keys',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://10.1.2.3:8443/',
    'https://localhost/',
    'https://LOCALHOST./',
    'https://a.localhost/',
    'http://verify.example/',
    'https://user@verify.example/',
    'https://user:secret@verify.example/',
    'ftp://verify.example/',
    'no url',
  ]
  for (const url of never) assert.equal(isFetchable(url, false), false, url)
  for (const url of [
    'https://verify.example/',
    'https://8.8.8.8/',
    'https://[2606:4700::1]/',
    'https://localhost.example/',
  ])
    assert.equal(isFetchable(url, false), true, url)
  for (const url of ['http://127.0.0.1:1/', 'https://localhost/', 'http://keys.internal/'])
    assert.equal(isFetchable(url, true), true, url)
  assert.equal(isFetchable('http://8.8.8.8/', true), false)
})
