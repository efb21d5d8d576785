/** The six bits of a base64url character; zero for other ASCII characters. */
export function sextetAt(text: string, at: number): number {
  return SEXTETS[text.charCodeAt(at) & 0x7f] as number
}

const SEXTETS: Uint8Array = new Uint8Array(128)
for (let value = 0; value < 64; value += 1) {
  SEXTETS['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(value)] = value
}

/** Up to five sextets as one number, the first one highest. */
export function sextetsAt(text: string, at: number, count: number): number {
  let bits = 0
  for (let next = at; next < at + count; next += 1) bits = (bits << 6) | sextetAt(text, next)
  return bits
}
