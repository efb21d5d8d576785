import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseProxies, peerOf } from './peer.ts'

const PROXIES = parseProxies('10.0.0.0/8, fd00::/8')

function addressOf(at: string, forwarded: string | undefined): string {
  return peerOf(at, forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }, PROXIES).address
}

test('forwarded headers of a peer that is no trusted proxy are ignored', () => {
  assert.equal(addressOf('198.51.100.7', '192.0.2.1'), '198.51.100.7')
  assert.equal(addressOf('::ffff:198.51.100.7', '192.0.2.1'), '198.51.100.7')
})

test('behind proxies the client is the nearest hop that is not a proxy, with a port or without', () => {
  for (const [forwarded, address] of [
    ['192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1, 10.1.2.3', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1:4711', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1:4711, 10.1.2.3:80', '192.0.2.1'],
    ['203.0.113.9, [2001:db8::1]:4711', '2001:db8::1'],
    ['203.0.113.9, [2001:db8::1]', '2001:db8::1'],
    ['203.0.113.9, 2001:db8::1, [fd00::1]:443', '2001:db8::1'],
    ['203.0.113.9,::ffff:192.0.2.1', '192.0.2.1'],
  ] as const)
    assert.equal(addressOf('10.0.0.1', forwarded), address, forwarded)
})

test('entries to the left of an unreadable hop are not believed', () => {
  for (const unreadable of [
    'unknown',
    '',
    '192.0.2.1:port',
    '192.0.2.1:4711:1',
    '[2001:db8::1',
    '_hidden',
    '1.2.3',
  ])
    assert.equal(addressOf('10.0.0.1', `203.0.113.9, ${unreadable}`), '10.0.0.1', unreadable)
  assert.equal(addressOf('10.0.0.1', '203.0.113.9, unknown, 10.1.2.3'), '10.1.2.3')
  assert.equal(addressOf('10.0.0.1', undefined), '10.0.0.1')
})

// The kind: one address in several spellings is one caller, and a proxy is recognised in every spelling.
test('[W97] an address is the same in every spelling that a proxy may write', () => {
  for (const spelling of ['2001:DB8:0:0::1', '2001:0db8::0001', '[2001:db8:0::1]:4711', '2001:db8::0.0.0.1'])
    assert.equal(addressOf('10.0.0.1', spelling), '2001:db8::1', spelling)
  for (const spelling of [
    '::ffff:c633:6405',
    '::FFFF:198.51.100.5',
    '0:0:0:0:0:ffff:c633:6405',
    '198.51.100.5',
  ])
    assert.equal(addressOf('10.0.0.1', spelling), '198.51.100.5', spelling)
  assert.equal(addressOf('::ffff:10.0.0.1', '192.0.2.1'), '192.0.2.1')
  assert.equal(addressOf('10.0.0.1', '192.0.2.1, ::ffff:a01:203'), '192.0.2.1', 'a proxy of ours, mapped')
})

test('[W97] a range of proxies may be written as mapped IPv4, and an invalid range is refused', () => {
  const mapped = parseProxies('::ffff:10.0.0.0/104,fd00::1')
  const peer = peerOf('10.9.8.7', { 'x-forwarded-for': '192.0.2.1, fd00:0:0::1' }, mapped)
  assert.deepEqual(peer, { address: '192.0.2.1', trusted: true })
  assert.equal(peerOf('11.9.8.7', { 'x-forwarded-for': '192.0.2.1' }, mapped).trusted, false)
  for (const range of [
    '10.0.0.0/33',
    '::ffff:10.0.0.0/8',
    '10.0.0.0/',
    'fd00::/129',
    'proxy',
    '010.0.0.1',
    '/8',
  ])
    assert.throws(() => parseProxies(range), { name: 'SettingsRefused' }, range)
})
