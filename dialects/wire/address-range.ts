/** A network as `10.0.0.0/8` or `2001:db8::/32` names it: the bytes of its address, and how many bits of them count. */
export type AddressRange = { readonly bytes: readonly number[]; readonly bits: number }

/** @returns undefined for what is no address and no range of addresses. A bare address is a range of one. */
export function parseAddressRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/')
  const bytes = parseAddress(slash < 0 ? text : text.slice(0, slash))
  if (bytes === undefined) return undefined
  if (slash < 0) return { bytes, bits: bytes.length * 8 }
  const length = text.slice(slash + 1)
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

/** Whether an address lies in one of the ranges; what is no address lies in none. */
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

/** 4 or 16 bytes; an IPv4 address that comes mapped into IPv6 is the IPv4 address. */
function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(':')) return parseV4(text)
  const bytes = parseV6(text)
  const isMapped = bytes?.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 0xff)) === true
  return isMapped ? bytes?.slice(12) : bytes
}

function parseV4(text: string): readonly number[] | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  const bytes = parts.map((part) => (/^(?:0|[1-9]\d{0,2})$/.test(part) ? Number(part) : Number.NaN))
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function parseV6(text: string): readonly number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = [groups(halves[0] ?? '', halves.length === 1), groups(halves[1] ?? '', true)]
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail]
}

/** The bytes of groups of four hex digits; only the last group of an address may be an IPv4 address. */
function groups(text: string, isEnd: boolean): readonly number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    const v4 = part.includes('.') && isEnd && at === parts.length - 1 ? parseV4(part) : undefined
    if (v4 !== undefined) bytes.push(...v4)
    else if (/^[0-9A-Fa-f]{1,4}$/.test(part))
      bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff)
    else return undefined
  }
  return bytes
}
