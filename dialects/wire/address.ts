/**
 * 4 or 16 bytes. An IPv4 address mapped into IPv6 gives the 4 bytes of IPv4. @returns undefined if it is not an
 * address.
 */
export function parseAddress(text: string): readonly number[] | undefined {
  if (!text.includes(':')) return parseV4(text)
  const bytes = parseV6(text)
  return bytes !== undefined && isMapped(bytes) ? bytes.slice(V4_AT) : bytes
}

/** Bytes before the IPv4 address in an IPv4-mapped IPv6 address. */
export const V4_AT = 12

/** The canonical spelling of an address (RFC 5952), for counting, comparing and showing addresses. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text)
  if (bytes === undefined) return undefined
  return bytes.length === 4 ? bytes.join('.') : v6Text(bytes)
}

/**
 * What rate limits count as one caller: an IPv4 address, or the /64 of an IPv6 address, because a host usually controls
 * its whole /64. Text that is not an address (calls from within the process) counts as written.
 */
export function addressShare(address: string): string {
  if (!address.includes(':')) return address
  const bytes = parseAddress(address)
  if (bytes === undefined) return address
  if (bytes.length === 4) return bytes.join('.')
  return `${v6Text(bytes.map((byte, at) => (at < SHARE_BYTES ? byte : 0)))}/64`
}

const SHARE_BYTES = 8

function isMapped(bytes: readonly number[]): boolean {
  return bytes.every((byte, at) => at >= V4_AT || byte === (at < 10 ? 0 : 0xff))
}

/** RFC 5952 §4: no leading zeros, lower case, and `::` for the first of the longest runs of zero groups. */
function v6Text(bytes: readonly number[]): string {
  const words = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0))
  const { start, length } = longestZeros(words)
  const texts = words.map((word) => word.toString(16))
  if (length < 2) return texts.join(':')
  return `${texts.slice(0, start).join(':')}::${texts.slice(start + length).join(':')}`
}

function longestZeros(words: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  let start = 0
  for (const [at, word] of words.entries()) {
    if (word !== 0) start = at + 1
    else if (at + 1 - start > longest.length) longest = { start, length: at + 1 - start }
  }
  return longest
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

/** The bytes of colon-separated groups. Only the last group of an address may be an IPv4 address. */
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
