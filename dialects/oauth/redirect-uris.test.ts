import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isRegistered } from './redirect-uris.ts'

/*
 * A native app does not know its port when it is registered. The port of a loopback address may differ from the
 * registered one, and no other part of any URI may (RFC 8252 §7.3, RFC 9700 §4.1.3).
 */

const ADDRESSES = ['http://127.0.0.1', 'http://[::1]']

for (const address of ADDRESSES) {
  test(`[W13] ${address} matches on any port, registered with one or without`, () => {
    for (const registered of [`${address}/cb`, `${address}:8080/cb`])
      for (const port of ['', ':1', ':80', ':53219', ':65535'])
        assert.ok(isRegistered(`${address}${port}/cb`, [registered]), `${port} for ${registered}`)
    assert.ok(isRegistered(`${address}:53219`, [address]))
    assert.ok(isRegistered(`${address}:53219/cb?app=1`, [`${address}/cb?app=1`]))
  })

  test(`[W13] ${address} on another port still needs the same path and query, http, and a valid port`, () => {
    const registered = [`${address}/cb`]
    for (const wrong of [
      `${address}:53219/`,
      `${address}:53219`,
      `${address}:53219/cb/`,
      `${address}:53219/CB`,
      `${address}:53219/cb?x=1`,
      `${address}:53219/cb#x`,
      `${address}:53219/x/../cb`,
      `${address}:53219/%63b`,
      `${address}:0/cb`,
      `${address}:65536/cb`,
      `${address}:080/cb`,
      `${address}:/cb`,
      `${address}:8 0/cb`,
      `${address}:80@evil.example/cb`,
      `${address}@evil.example/cb`,
      `${address}.evil.example:80/cb`,
      `${address.replace('http', 'https')}:53219/cb`,
      `${address.toUpperCase()}:53219/cb`,
      `${address}:53219\\@evil.example/cb`,
      `${address}:53219/cb\n`,
    ])
      assert.equal(isRegistered(wrong, registered), false, wrong)
  })
}

test('[W13] the two loopback addresses do not match each other, nor other names of this machine', () => {
  const all = [
    'http://127.0.0.1:9/cb',
    'http://[::1]:9/cb',
    'http://localhost:9/cb',
    'http://127.0.0.2:9/cb',
    'http://127.1:9/cb',
    'http://2130706433:9/cb',
    'http://[::ffff:127.0.0.1]:9/cb',
    'http://[0:0:0:0:0:0:0:1]:9/cb',
    'http://0.0.0.0:9/cb',
  ]
  for (const registered of all) {
    for (const asked of all) assert.equal(isRegistered(asked, [registered]), asked === registered, asked)
  }
})

test('[W13] localhost, https and app schemes are compared as whole texts, including the port', () => {
  for (const [registered, asked] of [
    ['http://localhost/cb', 'http://localhost:53219/cb'],
    ['http://localhost:8080/cb', 'http://localhost:53219/cb'],
    ['https://app.example/cb', 'https://app.example:443/cb'],
    ['https://app.example/cb', 'https://app.example/cb/'],
    ['https://127.0.0.1/cb', 'https://127.0.0.1:53219/cb'],
    ['com.example.app:/cb', 'com.example.app:/cb/'],
    ['com.example.app://127.0.0.1/cb', 'com.example.app://127.0.0.1:53219/cb'],
  ] as const) {
    assert.ok(isRegistered(registered, [registered]))
    assert.equal(isRegistered(asked, [registered]), false, asked)
  }
  assert.equal(isRegistered('http://127.0.0.1/cb', []), false)
})
