import { LAST_INSTANT_MS, type RealmOrdinal } from '@rescind/core'
import { hmacSha256, sameDigest } from '@rescind/core/bytes'
import type { LogRow } from '@rescind/core/log'
import { subkey } from '../keys/sealing.ts'
import { EXPIRING_KINDS, KEY_PURPOSES } from '../kinds.ts'
import type { Store } from '../ports.ts'
import type { ExpiringEntry, ExpiringName, LogHead } from './writes.ts'

/**
 * Protects where a trimmed log begins, and the rows kept from before, with a key that is not in the store: an attacker who
 * can write the store can cut off a log's beginning or change a kept rule, but cannot make the matching anchor.
 */
const ANCHOR_ENTRY: ExpiringName = { kind: EXPIRING_KINDS.logAnchor, id: 'anchor' }
const SUM_BYTES = 32
const PAGE = 1_000

/** A sum over kept rows, independent of their order: their keyed tags, combined by XOR. */
export class KeptSum {
  readonly #key: Buffer
  readonly #sum: Buffer = Buffer.alloc(SUM_BYTES)

  constructor(sealKey: Uint8Array) {
    this.#key = subkey(sealKey, KEY_PURPOSES.logAnchor)
  }

  /** Adds a row, or removes it again. */
  flip({ seq, atMs, kind, rule }: LogRow): void {
    const text = `kept:${seq}:${atMs}:${kind}:${Buffer.from(rule).toString('base64url')}`
    const tag = hmacSha256(this.#key, text)
    for (let at = 0; at < SUM_BYTES; at += 1) this.#sum[at] = (this.#sum[at] ?? 0) ^ (tag[at] ?? 0)
  }

  entry(anchor: LogHead): ExpiringEntry {
    return { ...ANCHOR_ENTRY, value: Buffer.from(this.#tag(anchor), 'ascii'), expiresAtMs: LAST_INSTANT_MS }
  }

  fits(anchor: LogHead, entry: ExpiringEntry): boolean {
    return sameDigest(Buffer.from(entry.value).toString('ascii'), this.#tag(anchor))
  }

  #tag({ seq, chain }: LogHead): string {
    const text = `anchor:${seq}:${chain.toString('base64url')}:${this.#sum.toString('base64url')}`
    return hmacSha256(this.#key, text).toString('base64url')
  }
}

/** All rows that were kept from before the anchor. */
export async function* keptRows(store: Store, realm: RealmOrdinal): AsyncGenerator<LogRow, void> {
  let after = 0
  for (;;) {
    const rows = await store.keptRows(realm, after, PAGE)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return
    after = last.seq
  }
}

/** Whether a log's beginning and the rows kept from before it are as the server left them. */
export async function anchorHolds(store: Store, realm: RealmOrdinal, sealKey: Uint8Array): Promise<boolean> {
  const [anchor, entry] = [await store.anchor(realm), await store.expiring(realm, ANCHOR_ENTRY)]
  if (entry === undefined) {
    const [kept] = await store.keptRows(realm, 0, 1)
    return anchor.seq === 0 && kept === undefined
  }
  const sum = new KeptSum(sealKey)
  for await (const row of keptRows(store, realm)) sum.flip(row)
  return sum.fits(anchor, entry)
}
