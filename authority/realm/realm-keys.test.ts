import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { parseRealmName, type RealmName, StoreRefused } from '@rescind/core'
import { hmacSha256, sameDigest, secretDigest, sha256Base64url } from '@rescind/core/bytes'
import { RawToken } from '@rescind/core/tokens'
import { sha256Latin1 } from '../../core/crypto/digests.ts'
import { DIGEST_KEY, digestAt, handleAt } from '../../test/kit/samples.ts'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { seal, subkey, unseal } from '../keys/sealing.ts'
import { KEY_PURPOSES } from '../kinds.ts'
import {
  makeRealmKeys,
  sealTokenText,
  unsealTokenText,
  unwrapRealmKeys,
  wrapRealmKeys,
} from './realm-keys.ts'

const random = new SeededRandom('keys')
const MASTER = { bytes: random.bytes(32) }
const KEYS = makeRealmKeys(random)

function realm(name: string): RealmName {
  const parsed = parseRealmName(name)
  assert.ok(parsed !== undefined)
  return parsed
}

function rawOf(text: string): RawToken {
  const raw = RawToken.parse(text)
  assert.ok(raw !== undefined)
  return raw
}

const OF = { handle: handleAt(1), digest: digestAt(1) }
const TEXT = 'assigned é\u{1f511} text'
const SEALED = sealTokenText(OF, { keys: KEYS, realm: realm('one'), raw: rawOf(TEXT), random })

function flipped(bytes: Uint8Array, at: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = (changed[at] ?? 0) ^ 1
  return changed
}

test('sealed text opens for the record that it was sealed for', () => {
  assert.equal(unsealTokenText(KEYS, realm('one'), { ...OF, sealed: SEALED })?.reveal(), TEXT)
  assert.ok(!SEALED.includes('assigned'), 'nothing of it is readable')
})

test('sealed text with a changed or missing byte does not open', () => {
  for (let at = 0; at < SEALED.length; at += 1) {
    for (const sealed of [flipped(SEALED, at), SEALED.subarray(0, at)]) {
      assert.equal(unsealTokenText(KEYS, realm('one'), { ...OF, sealed }), undefined)
    }
  }
  const longer = Buffer.concat([SEALED, Buffer.alloc(1)])
  assert.equal(unsealTokenText(KEYS, realm('one'), { ...OF, sealed: longer }), undefined)
})

test('sealed text opens for no other handle, digest, realm or key (model §2.6)', () => {
  const sealed = SEALED
  const other = makeRealmKeys(random)
  assert.equal(unsealTokenText(KEYS, realm('one'), { ...OF, handle: handleAt(2), sealed }), undefined)
  assert.equal(unsealTokenText(KEYS, realm('one'), { ...OF, digest: digestAt(2), sealed }), undefined)
  assert.equal(unsealTokenText(KEYS, realm('two'), { ...OF, sealed }), undefined)
  assert.equal(unsealTokenText(other, realm('one'), { ...OF, sealed }), undefined)
  assert.equal(unsealTokenText(KEYS, realm('one'), OF), undefined)
})

test('sealing the same text twice gives different bytes', () => {
  const again = sealTokenText(OF, { keys: KEYS, realm: realm('one'), raw: rawOf(TEXT), random })
  assert.notDeepEqual(again, SEALED)
})

test('a realm’s keys open with the master key that wrapped them, for that realm alone', () => {
  const wrapped = wrapRealmKeys(KEYS, { realm: realm('one'), master: MASTER, random })
  assert.match(KEYS.digestKey, /^[A-Za-z0-9_-]{43}$/)
  assert.deepEqual(unwrapRealmKeys(wrapped, realm('one'), MASTER), KEYS)
  assert.ok(!Buffer.from(wrapped, 'base64url').includes(KEYS.sealKey))
  const wrongMaster = { bytes: flipped(MASTER.bytes, 31) }
  assert.throws(() => unwrapRealmKeys(wrapped, realm('one'), wrongMaster), StoreRefused)
  assert.throws(() => unwrapRealmKeys(wrapped, realm('two'), MASTER), StoreRefused)
  const bytes = Buffer.from(wrapped, 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = flipped(bytes, at).toString('base64url')
    assert.throws(() => unwrapRealmKeys(changed, realm('one'), MASTER), StoreRefused)
  }
  assert.throws(() => unwrapRealmKeys('', realm('one'), MASTER), StoreRefused)
})

test('seal and unseal agree on any bytes, and only with the same key and associated data', () => {
  const key = random.bytes(32)
  for (const plain of [Buffer.alloc(0), Buffer.from([0]), random.bytes(1_000)]) {
    const sealed = seal({ key, associated: 'about', random }, plain)
    assert.deepEqual(unseal(key, sealed, 'about'), plain)
    assert.equal(unseal(key, sealed, 'About'), undefined)
    assert.equal(unseal(flipped(key, 0), sealed, 'about'), undefined)
    assert.equal(sealed.length, 12 + 16 + plain.length)
  }
  for (const short of [0, 1, 27]) assert.equal(unseal(key, Buffer.alloc(short), 'about'), undefined)
})

test('subkeys differ by purpose and by key', () => {
  const { checkpoints, controlCursors } = KEY_PURPOSES
  const seals = [checkpoints, controlCursors].map((purpose) => subkey(KEYS.sealKey, purpose))
  const keys = [...seals, subkey(MASTER.bytes, checkpoints)]
  assert.ok(keys.every((key) => key.length === 32))
  assert.equal(new Set(keys.map((key) => key.toString('hex'))).size, 3)
})

test('the hashes match published ones', () => {
  const expected = createHash('sha256').update('é').digest()
  assert.equal(sha256Base64url('é'), expected.toString('base64url'))
  assert.equal(sha256Latin1('é'), expected.toString('latin1'))
  assert.deepEqual(hmacSha256(MASTER.bytes, 'é'), createHmac('sha256', MASTER.bytes).update('é').digest())
})

test('[K03] digests are compared as a whole, and nothing of another length is equal', () => {
  const digest = secretDigest(DIGEST_KEY, 'one')
  assert.equal(sameDigest(digest, secretDigest(DIGEST_KEY, 'one')), true)
  for (let at = 0; at < digest.length; at += 1) {
    const other = digest.slice(0, at) + (digest[at] === 'A' ? 'B' : 'A') + digest.slice(at + 1)
    assert.equal(sameDigest(digest, other), false)
  }
  for (const other of ['', digest.slice(1), `${digest}A`]) assert.equal(sameDigest(digest, other), false)
  assert.equal(sameDigest('', ''), false)
})

test('the stored digest of a secret is never the digest of a token', () => {
  assert.notEqual(secretDigest(DIGEST_KEY, 's3cret'), rawOf('secret:s3cret').digest(DIGEST_KEY))
})

test('the stored digest of a secret is keyed and tells secrets apart', () => {
  const kept = secretDigest(DIGEST_KEY, 's3cret')
  assert.equal(kept.length, 43)
  assert.notEqual(kept, secretDigest('K'.repeat(43), 's3cret'))
  assert.notEqual(kept, secretDigest(DIGEST_KEY, 's3creT'))
  assert.notEqual(kept, rawOf('s3cret').digest(DIGEST_KEY))
})
