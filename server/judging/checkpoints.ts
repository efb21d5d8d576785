import { checkpointKeyOf, type Realm } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { type Checkpoint, checkpointText } from '@rescind/core/log'

/**
 * The end of a realm's log, as far as it is folded into the index. A later judgement holds at this checkpoint or after
 * it.
 */
export async function headCheckpoint(realm: Realm): Promise<Checkpoint> {
  const { seq, chain } = await realm.store.head(realm.ordinal)
  const { index } = realm
  // The row is durable, but its group is not folded yet, so it was not acknowledged.
  if (seq > index.seq) return checkpointAt(realm, index.seq)
  return checkpointOf(realm, seq, chain)
}

export function checkpointTextOf(realm: Realm, checkpoint: Checkpoint): string {
  return checkpointText(checkpoint, checkpointKeyOf(realm.keys.sealKey))
}

async function checkpointAt(realm: Realm, seq: number): Promise<Checkpoint> {
  const [row] = await realm.store.chainedRowsAfter(realm.ordinal, seq - 1, 1)
  if (row === undefined) throw new StoreUnavailable('a row of the log cannot be read now')
  return checkpointOf(realm, seq, row.chain)
}

function checkpointOf({ index }: Realm, seq: number, chain: Uint8Array): Checkpoint {
  const epoch = index.epochs.findLast((one) => one.seq <= seq)
  return {
    ordinal: epoch?.ordinal ?? 0,
    epochId: epoch?.epochId ?? '',
    seq,
    chain: Buffer.from(chain).toString('base64url'),
  }
}
