import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mount, Mounts } from './mounts.ts'

const named = (name: string): Mount => ({
  handle: () => ({ status: 200, headers: {}, body: '' }),
  refuse: () => ({ status: 400, headers: {}, body: '' }),
  routeOf: () => name,
})
const [check, wire, root, control, health, elsewhere] = [
  'check',
  'wire',
  'root',
  'control',
  'health',
  'other',
].map(named) as [Mount, Mount, Mount, Mount, Mount, Mount]

const mounts = new Mounts({
  places: [
    { path: '/check', mount: check, inRealms: true },
    { path: '/v3', mount: wire, inRealms: true },
    { path: '/api/id/v1', mount: wire, inRealms: true },
    { path: '/', mount: root, inRealms: true, exact: true },
    { path: '/control/v1', mount: control },
    { path: '/healthz', mount: health, exact: true },
  ],
  check,
  elsewhere,
  publicPath: '',
})

function mountOf(url: string): string {
  const { mount, malformed } = mounts.find(url)
  const name = mount.routeOf(undefined as never)
  return malformed === undefined ? name : `${name}, malformed`
}

function assertMounts(expected: Readonly<Record<string, string>>): void {
  for (const [url, name] of Object.entries(expected)) assert.equal(mountOf(url), name, url)
}

test('a mount answers at its path and below it, by whole segments', () => {
  assertMounts({
    ...{ '/v3': 'wire', '/v3/': 'wire', '/v3/auth/tokens': 'wire', '/v3x': 'other', '/V3': 'other' },
    ...{ '/api/id/v1/jwks': 'wire', '/api/id/v10': 'other', '/api/id': 'other', '/api/id/v1?x=/y': 'wire' },
    ...{ '/': 'root', '/?x': 'root', '//': 'other', '//v3': 'other', '': 'other', '/v3//x': 'wire' },
    ...{ '/healthz': 'health', '/healthz?x': 'health', '/healthz/': 'other', '/healthz/x': 'other' },
    ...{ '/v3/../healthz': 'wire', '/./v3': 'other', '/v3#f': 'wire', '/v3#/x?y': 'wire', '/v3;x': 'other' },
  })
})

test('only what belongs to a realm is mounted below its name', () => {
  assertMounts({
    ...{ '/realms/a/v3/x': 'wire', '/realms/a/': 'root', '/realms/a/check': 'check', '/realms//v3': 'wire' },
    ...{ '/realms/a': 'other', '/realms': 'other', '/realms/': 'other', '/realms/a/control/v1/x': 'other' },
    ...{ '/realms/a/healthz': 'other', '/realms/a%2Fb/v3': 'wire', '/realms/a/realms/a/v3': 'other' },
  })
  assert.deepEqual(mounts.find('/realms/a%2Fb/v3/%41?q').target, {
    realm: 'a%2Fb',
    path: '/v3/%41',
    query: 'q',
  })
})

test('escapes are decoded only to choose a mount, and reserved characters not even then', () => {
  assertMounts({
    ...{
      '/%76%33/x': 'wire',
      '/%72ealms/a/v3': 'wire',
      '/v3%2Fx': 'other',
      '/v3%3Fx': 'other',
      '/%2576': 'other',
    },
    ...{ '/v3/%c3%a9': 'wire', '/v3?%zz': 'wire', '/v3/%25zz': 'wire' },
  })
  assert.equal(mounts.find('/%76%33/x').target.path, '/%76%33/x')
})

test('a broken escape is refused by the mount of the raw path', () => {
  assertMounts({
    ...{ '/v3/%': 'wire, malformed', '/v3/%ff': 'wire, malformed', '/%zz': 'other, malformed' },
    ...{
      '/realms/%zz/v3': 'wire, malformed',
      '/control/v1/%zz': 'control, malformed',
      '/check/%zz': 'check',
    },
  })
})

test('a target that is no path is refused by the mount of the path that it names', () => {
  assertMounts({
    ...{
      'http://h/v3': 'wire',
      'HTTPS://h:1/v3?x': 'wire',
      'http://h': 'root',
      'http://h?/v3': 'root',
      '*': 'root',
    },
    ...{
      'http:///v3': 'other, malformed',
      'http://h/v3#f': 'other, malformed',
      'http://[h/v3': 'other, malformed',
    },
    ...{ 'ftp://h/v3': 'other', 'http:/v3': 'other', 'h:80': 'other', v3: 'other' },
  })
})

test('the request of a gateway reaches the check in every form of a target', () => {
  assertMounts({
    ...{ '/check': 'check', '/check/%ff/x': 'check', 'http://h/check': 'check', 'http://h/check#f': 'check' },
    ...{ 'http://[h/check/x': 'check', '/check#f': 'check', '/checks': 'other', '/%63heck': 'check' },
  })
})
