import { createECDH, createPrivateKey, generateKeyPair, type KeyObject } from 'node:crypto'
import type { Random } from '@rescind/core'
import type { KeyMembers, SignatureAlgorithm } from '@rescind/core/bytes'

/** Bytes of a P-256 scalar, and of an Ed25519 seed. */
const KEY_BYTES = 32
/** Bits of the RSA keys made here. */
const RSA_BITS = 2_048

/** A new private key as JWK members. node:crypto makes RSA keys off this thread; the others come from `random`. */
export async function makePrivateMembers(
  algorithm: SignatureAlgorithm,
  random: Random,
): Promise<Readonly<Record<string, string>>> {
  switch (algorithm) {
    case 'ES256':
      return p256Members(random)
    case 'EdDSA':
      return ed25519MembersOf(random.bytes(KEY_BYTES))
    case 'RS256':
    case 'PS256':
      return rsaMembers()
  }
}

function p256Members(random: Random): KeyMembers {
  const ecdh = createECDH('prime256v1')
  const scalar = p256Scalar(random)
  ecdh.setPrivateKey(scalar)
  // 0x04 ‖ x ‖ y
  const point = ecdh.getPublicKey()
  const [x, y] = [point.subarray(1, 33), point.subarray(33, 65)]
  return {
    kty: 'EC',
    crv: 'P-256',
    x: x.toString('base64url'),
    y: y.toString('base64url'),
    d: scalar.toString('base64url'),
  }
}

/** The order of P-256. A private key is positive and below it; 32 random bytes miss that once in 2^32 draws. */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

function p256Scalar(random: Random): Buffer {
  for (;;) {
    const scalar = random.bytes(KEY_BYTES)
    const value = BigInt(`0x${scalar.toString('hex')}`)
    if (value > 0n && value < P256_ORDER) return scalar
  }
}

/** PKCS #8 of an Ed25519 key up to its 32-byte seed (RFC 8410 §7). */
const ED25519_PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** The members of the Ed25519 key of a seed. */
export function ed25519MembersOf(seed: Uint8Array): KeyMembers {
  const der = Buffer.concat([ED25519_PKCS8, seed])
  return membersOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
}

function rsaMembers(): Promise<KeyMembers> {
  return new Promise((resolve, reject) => {
    generateKeyPair('rsa', { modulusLength: RSA_BITS }, (error, _publicKey, privateKey) => {
      if (error === null) resolve(membersOf(privateKey))
      else reject(error)
    })
  })
}

function membersOf(key: KeyObject): KeyMembers {
  const members = Object.entries(key.export({ format: 'jwk' }))
  return Object.fromEntries(members.filter((one): one is [string, string] => typeof one[1] === 'string'))
}
