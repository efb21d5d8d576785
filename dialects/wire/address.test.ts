import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addressShare, canonicalAddress } from './address.ts'

// One address has many spellings. Code that counts, compares or shows addresses must treat them as one.

test('[W97] every spelling of an address has the same canonical form', () => {
  for (const [canonical, spellings] of [
    [
      '2001:db8::1',
      ['2001:0db8:0:0:0:0:0:1', '2001:DB8::1', '2001:db8:0::0:1', '2001:db8::0001', '2001:db8::0.0.0.1'],
    ],
    [
      '198.51.100.5',
      ['::ffff:c633:6405', '::FFFF:198.51.100.5', '0:0:0:0:0:ffff:198.51.100.5', '::ffff:198.51.100.5'],
    ],
    ['::1', ['0:0:0:0:0:0:0:1', '0::1', '::0:1', '::0.0.0.1']],
    ['::', ['0::', '::0', '0:0:0:0:0:0:0:0']],
    ['1::', ['1:0:0:0:0:0:0:0', '1::0']],
    ['2001:db8:0:1:1:1:1:1', ['2001:db8::1:1:1:1:1']],
    ['2001:db8::1:0:0:1', ['2001:db8:0:0:1:0:0:1', '2001:db8:0:0:1::1']],
    ['2001:0:0:1::1', ['2001:0:0:1:0:0:0:1']],
    ['::fffe:102:304', ['::fffe:1.2.3.4']],
    ['64:ff9b::c633:6405', ['64:ff9b::198.51.100.5']],
  ] as const)
    for (const spelling of [canonical, ...spellings])
      assert.equal(canonicalAddress(spelling), canonical, spelling)
})

test('[W97] text that is not an address has no canonical form', () => {
  for (const text of [
    '',
    'local',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    'fe80::1%eth0',
    '::1::',
    '[::1]',
    '1.2.3.4:80',
  ])
    assert.equal(canonicalAddress(text), undefined, text)
})

test('[W97] limits count each IPv6 /64 and each IPv4 address once, however it is spelled', () => {
  for (const address of ['2001:db8:0:7::1', '2001:DB8:0:7:ffff:ffff:ffff:ffff', '2001:db8:0:7:0:0:1.2.3.4'])
    assert.equal(addressShare(address), '2001:db8:0:7::/64', address)
  assert.notEqual(addressShare('2001:db8:0:8::1'), '2001:db8:0:7::/64')
  assert.equal(addressShare('198.51.100.5'), '198.51.100.5')
  assert.equal(addressShare('::ffff:c633:6405'), '198.51.100.5')
  assert.equal(addressShare('::1'), '::/64')
  assert.equal(addressShare('local'), 'local')
})
