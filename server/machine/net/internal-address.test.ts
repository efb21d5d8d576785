import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isInternalAddress } from './internal-address.ts'

const INTERNAL = [
  ...[
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
  ],
  ...[
    '168.63.129.16',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
  ],
  ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '192.0.2.1', '198.51.100.1', '203.0.113.1'],
  ...['::', '::1', '::ffff:127.0.0.1', '::ffff:8.8.8.8', '::ffff:a9fe:a9fe', '::127.0.0.1', 'fe80::1'],
  ...['fe80::1%eth0', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '64:ff9b::7f00:1', '64:ff9b:1::1', '2001::1'],
  ...['2001:db8::1', '2002:7f00:1::', '2002:a9fe:a9fe::1', '3fff::1', '100::1', '5f00::1', 'fec0::1'],
  // Text that is not an address counts as internal.
  ...['', 'localhost', '2130706433', '0x7f.1', '127.1', '10.0.0.256', '2606:4700::1%lo'],
]
const PUBLIC = [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.32.0.0',
]
const PUBLIC_TOO = [
  '169.253.255.255',
  '223.255.255.255',
  '2606:4700::1111',
  '2001:4860:4860::8888',
  '2a00:1450::1',
]

test('[Q06] private, local, shared, reserved and metadata addresses are internal, and so is text that is no address', () => {
  for (const address of INTERNAL) assert.equal(isInternalAddress(address), true, address)
})

test('their neighbours are public', () => {
  for (const address of [...PUBLIC, ...PUBLIC_TOO]) assert.equal(isInternalAddress(address), false, address)
})
