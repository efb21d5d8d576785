import { BlockList, isIP } from 'node:net'

/**
 * IPv4 that is not the public Internet: this host, private use, carrier-shared, link-local (where clouds serve
 * metadata), documentation, benchmarks, multicast, reserved (RFC 6890), and one cloud's public metadata address.
 */
const INTERNAL_V4: readonly (readonly [network: string, bits: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

/** Only 2000::/3 is public IPv6, except ranges that embed another address or cannot hold real hosts. */
const PUBLIC_V6 = ['2000::', 3] as const
const INTERNAL_V6: readonly (readonly [network: string, bits: number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

const internalV4 = new BlockList()
for (const [network, bits] of INTERNAL_V4) internalV4.addSubnet(network, bits, 'ipv4')
const publicV6 = new BlockList()
publicV6.addSubnet(...PUBLIC_V6, 'ipv6')
const internalV6 = new BlockList()
for (const [network, bits] of INTERNAL_V6) internalV6.addSubnet(network, bits, 'ipv6')

/**
 * Whether a request on a caller's behalf must never go to this address. Text that is not an address counts as internal,
 * and so does every IPv6 form of an IPv4 address (mapped, translated, 6to4, Teredo): no legitimate server needs one.
 */
export function isInternalAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return internalV4.check(address, 'ipv4')
    case 6:
      return address.includes('%') || !publicV6.check(address, 'ipv6') || internalV6.check(address, 'ipv6')
    default:
      return true
  }
}
