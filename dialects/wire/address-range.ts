import { parseAddress, V4_AT } from './address.ts'

/** A parsed CIDR range such as `10.0.0.0/8` or `2001:db8::/32`: the bytes of its address and the length of its prefix. */
export type AddressRange = { readonly bytes: readonly number[]; readonly bits: number }

/** A bare address is a range of one. @returns undefined when the text is neither an address nor a range. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const bytes = parseAddress(address)
  if (bytes === undefined) return undefined
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const length = text.slice(slash + 1)
  // The prefix of a mapped address is counted from the start of the IPv6 address, but `bytes` holds only the IPv4 part.
  const before = bytes.length === 4 && address.includes(':') ? V4_AT * 8 : 0
  const bits = /^\d{1,3}$/.test(length) ? Number(length) - before : Number.NaN
  return bits >= 0 && bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

/** Whether an address lies in one of the ranges. Text that is not an address lies in none. */
export function isInRanges(address: string, ranges: readonly AddressRange[]): boolean {
  const bytes = parseAddress(address)
  return bytes !== undefined && ranges.some((range) => isIn(bytes, range))
}

function isIn(bytes: readonly number[], range: AddressRange): boolean {
  if (bytes.length !== range.bytes.length) return false
  for (let at = 0, left = range.bits; left > 0; at += 1, left -= 8) {
    const mask = left >= 8 ? 0xff : 0xff & (0xff << (8 - left))
    if (((bytes[at] ?? 0) & mask) !== ((range.bytes[at] ?? 0) & mask)) return false
  }
  return true
}
