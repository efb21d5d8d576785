/** Group orders of the signature curves: wherever (r, s) verifies, (r, n − s) does too. */
const ORDERS: ReadonlyMap<string, bigint> = new Map([
  ['ES256', 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n],
  ['ES256K', 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n],
  [
    'ES384',
    0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ],
  [
    'ES512',
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  ],
])

/** The other valid signature (RFC 7518 §3.4) over the same input. @returns undefined for algorithms without one. */
export function ecdsaTwin(algorithm: string, signature: Buffer): Buffer | undefined {
  const order = ORDERS.get(algorithm)
  const half = signature.length / 2
  if (order === undefined || half === 0 || !Number.isInteger(half)) return undefined
  const flipped = order - BigInt(`0x${signature.toString('hex', half)}`)
  if (flipped <= 0n) return undefined
  const other = Buffer.from(flipped.toString(16).padStart(half * 2, '0'), 'hex')
  return other.length === half ? Buffer.concat([signature.subarray(0, half), other]) : undefined
}
