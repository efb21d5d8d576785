import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInRanges, parseAddressRange } from './address-range.ts'

function isIn(address: string, range: string): boolean {
  const parsed = parseAddressRange(range)
  assert.ok(parsed !== undefined, range)
  return isInRanges(address, [parsed])
}

test('an address is in a range when it shares the prefix of the range', () => {
  for (const [address, range, expected] of [
    ['10.1.2.3', '10.0.0.0/8', true],
    ['11.1.2.3', '10.0.0.0/8', false],
    ['192.168.1.127', '192.168.1.0/25', true],
    ['192.168.1.128', '192.168.1.0/25', false],
    ['192.168.1.1', '192.168.1.1', true],
    ['192.168.1.2', '192.168.1.1', false],
    ['8.8.8.8', '0.0.0.0/0', true],
    ['2001:db8:1::5', '2001:db8::/32', true],
    ['2001:db9::5', '2001:db8::/32', false],
    ['::1', '::1', true],
    ['::1', '0.0.0.0/0', false],
    ['10.0.0.1', '::/0', false],
    ['::ffff:10.0.0.1', '10.0.0.0/8', true],
    ['::ffff:a00:1', '10.0.0.0/8', true],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['', '0.0.0.0/0', false],
    ['somewhere', '::/0', false],
  ] as const)
    assert.equal(isIn(address, range), expected, `${address} ${range}`)
})

test('text that is not an address range is refused', () => {
  const broken = [
    '',
    '10.0.0',
    '10.0.0.0/33',
    '10.0.0.256',
    '010.0.0.1',
    '10.0.0.0/',
    '10.0.0.0/-1',
    '1.2.3.4/8/8',
  ]
  const more = [
    '::1::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::/129',
    '12345::',
    'fe80::1%eth0',
    '1.2.3.4:5::',
    'x',
  ]
  for (const text of [...broken, ...more, '1:2:3:4:5:6:7::8', ' 10.0.0.1'])
    assert.equal(parseAddressRange(text), undefined, text)
})
