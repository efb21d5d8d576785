import type { IncomingHttpHeaders } from 'node:http'
import { BlockList } from 'node:net'
import { SettingsRefused } from '@rescind/core'
import { canonicalAddress, parseAddressRange } from '@rescind/dialects'

/** Proxies whose forwarded headers are trusted; none by default. */
export type TrustedProxies = { readonly any: boolean; readonly list: BlockList }

export const NO_PROXIES: TrustedProxies = { any: false, list: new BlockList() }

/** @throws SettingsRefused for text that is no address range. */
export function parseProxies(ranges: string): TrustedProxies {
  const list = new BlockList()
  let any = false
  for (const range of ranges
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')) {
    const parsed = parseAddressRange(range)
    const network = canonicalAddress(range.split('/')[0] ?? '')
    if (parsed === undefined || network === undefined)
      throw new SettingsRefused(`behindProxy: "${range}" is not an address range (CIDR)`)
    list.addSubnet(network, parsed.bits, familyOf(network))
    any = true
  }
  return { any, list }
}

export type Peer = { readonly address: string; readonly trusted: boolean }

/**
 * The client's address: the peer itself or, behind trusted proxies, the rightmost forwarded entry that is not a trusted
 * proxy. An unreadable entry ends the walk, because entries to its left are of unknown origin: the nearest readable hop
 * counts.
 */
export function peerOf(at: string, headers: Readonly<IncomingHttpHeaders>, proxies: TrustedProxies): Peer {
  const direct = plain(at)
  if (!proxies.any) return { address: direct, trusted: false }
  if (!isTrusted(direct, proxies)) return { address: direct, trusted: false }
  const header = headers['x-forwarded-for']
  const hops = typeof header === 'string' ? header.split(',').reverse() : []
  let nearest = direct
  for (const hop of hops) {
    const address = addressOf(hop.trim())
    if (address === undefined) break
    nearest = address
    if (!isTrusted(address, proxies)) break
  }
  return { address: nearest, trusted: true }
}

/**
 * The address without the port that some proxies add: `203.0.113.5:4711`, `[2001:db8::1]:4711`. @returns undefined for
 * text that is no address.
 */
function addressOf(hop: string): string | undefined {
  const [, v4, v6] = WITH_PORT.exec(hop) ?? []
  return canonicalAddress(v4 ?? v6 ?? hop)
}

const WITH_PORT = /^(?:([\d.]+):\d{1,5}|\[([\da-fA-F:.]+)\](?::\d{1,5})?)$/

function isTrusted(address: string, proxies: TrustedProxies): boolean {
  return address !== '' && proxies.list.check(address, familyOf(address))
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}

/** Whether a hop, as a header names it, is a trusted proxy. */
export function isTrustedHop(hop: string, proxies: TrustedProxies): boolean {
  return isTrusted(addressOf(hop) ?? '', proxies)
}

/**
 * Normalises a socket's address. Node writes it canonically, except for a mapped prefix and the name of an interface.
 */
function plain(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith(MAPPED) && address.includes('.')) return address.slice(MAPPED.length)
  return address.split('%', 1)[0] ?? address
}

const MAPPED = '::ffff:'
