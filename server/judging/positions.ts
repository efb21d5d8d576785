import { checkpointKeyOf, type Realm } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { type Place, positionText } from '@rescind/core/log'

/**
 * Where a realm's log ended when this was asked, folded into the index: what is judged after it was judged at or after
 * this place.
 */
export async function headPlace(realm: Realm): Promise<Place> {
  const { seq, chain } = await realm.store.head(realm.ordinal)
  const { index } = realm
  // Durable, but its group is not folded yet: nobody was told of it.
  if (seq > index.seq) return placeAt(realm, index.seq)
  return placeOf(realm, seq, chain)
}

export function positionTextOf(realm: Realm, place: Place): string {
  return positionText(place, checkpointKeyOf(realm.keys.sealKey))
}

async function placeAt(realm: Realm, seq: number): Promise<Place> {
  const [row] = await realm.store.chainedRowsAfter(realm.ordinal, seq - 1, 1)
  if (row === undefined) throw new StoreUnavailable('a row of the log cannot be read now')
  return placeOf(realm, seq, row.chain)
}

function placeOf({ index }: Realm, seq: number, chain: Uint8Array): Place {
  const epoch = index.epochs.findLast((one) => one.seq <= seq)
  return {
    ordinal: epoch?.ordinal ?? 0,
    epochId: epoch?.epochId ?? '',
    seq,
    chain: Buffer.from(chain).toString('base64url'),
  }
}
