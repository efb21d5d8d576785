import { checkpointKeyOf, EXPIRING_KINDS, type Realm, type Store, UPKEEP } from '@rescind/authority'
import { LAST_INSTANT_MS, type RealmOrdinal } from '@rescind/core'
import { type Checkpoint, parseCheckpoint } from '@rescind/core/log'
import { checkpointTextOf, headCheckpoint } from '../judging/checkpoints.ts'

const NAME = { kind: EXPIRING_KINDS.logCheckpoint, id: 'head' } as const

/**
 * Stores a checkpoint of each log's end, authenticated by a key that is not in the store. An attacker with write access
 * to the store can rebuild or truncate a log's chain, but cannot forge the matching checkpoint.
 */
export class StoredCheckpoints {
  readonly #written: Map<RealmOrdinal, number> = new Map()

  /** Another process has written some meanwhile. */
  forget(): void {
    this.#written.clear()
  }

  /** Writes a checkpoint if the log has grown since the last one. @throws StoreUnavailable, Overloaded. */
  async write(realm: Realm): Promise<void> {
    if (realm.index.seq === this.#written.get(realm.ordinal)) return
    const checkpoint = await headCheckpoint(realm)
    const value = Buffer.from(checkpointTextOf(realm, checkpoint), 'ascii')
    const entry = { ...NAME, value, expiresAtMs: LAST_INSTANT_MS }
    const operations = [{ kind: 'put-expiring', entry } as const]
    const outcome = await realm.commit({ realm: realm.ordinal, ...UPKEEP, operations })
    if (outcome.kind === 'applied') this.#written.set(realm.ordinal, checkpoint.seq)
  }
}

export type StoredCheckpoint =
  | { readonly kind: 'none' }
  | { readonly kind: 'forged' }
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }

/** The last checkpoint of a log, read from the store alone. */
export async function readStoredCheckpoint(
  store: Store,
  realm: RealmOrdinal,
  sealKey: Uint8Array,
): Promise<StoredCheckpoint> {
  const entry = await store.expiring(realm, NAME)
  if (entry === undefined) return { kind: 'none' }
  const checkpoint = parseCheckpoint(Buffer.from(entry.value).toString('utf8'), checkpointKeyOf(sealKey))
  return checkpoint === undefined ? { kind: 'forged' } : { kind: 'checkpoint', checkpoint }
}
