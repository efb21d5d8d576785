/** The six bits that a base64url character stands for; for any other ASCII character, zero. */
export function sextetAt(text: string, at: number): number {
  return SEXTETS[text.charCodeAt(at) & 0x7f] as number
}

const SEXTETS: Uint8Array = new Uint8Array(128)
for (let value = 0; value < 64; value += 1) {
  SEXTETS['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(value)] = value
}
