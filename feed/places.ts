import { checkpointKeyOf, type Realm } from '@rescind/authority'
import { StoreUnavailable } from '@rescind/core'
import { type Place, parsePosition, positionText, standingOf } from '@rescind/core/log'

/** Turns of the event loop that a reader waits for a group which is durable and not folded yet. */
const FOLD_TURNS_MAX = 10_000

/** How somebody's place stands to a realm's log. `reset`: it cannot be continued from; only a snapshot helps. */
export type Shown =
  | { readonly kind: 'on'; readonly place: Place }
  | { readonly kind: 'reset'; readonly place: Place }
  | { readonly kind: 'forged' }
  | { readonly kind: 'fork'; readonly place: Place }

/** The places of a realm's log as they are handed out, and what those prove that come back. */
export class Places {
  readonly #realm: Realm
  readonly #key: Buffer
  /** Handed out last. Nearly all who prove that they are fresh stand there, and are told of no other place. */
  #last: { readonly place: Place; readonly text: string } | undefined

  constructor(realm: Realm) {
    this.#realm = realm
    this.#key = checkpointKeyOf(realm.keys.sealKey)
  }

  text(place: Place): string {
    const last = this.#last
    if (last !== undefined && isSame(last.place, place)) return last.text
    const text = positionText(place, this.#key)
    this.#last = { place, text }
    return text
  }

  at(seq: number, chain: Uint8Array): Place {
    const epoch = this.#realm.index.epochs.findLast((one) => one.seq <= seq)
    return {
      ordinal: epoch?.ordinal ?? 0,
      epochId: epoch?.epochId ?? '',
      seq,
      chain: Buffer.from(chain.buffer, chain.byteOffset, chain.byteLength).toString('base64url'),
    }
  }

  /**
   * The end of the log, read from the store after this was asked, and folded.
   * @throws StoreUnavailable when it cannot be known.
   */
  async head(): Promise<Place> {
    const { store, ordinal, index } = this.#realm
    const { seq, chain } = await store.head(ordinal)
    for (let turn = 0; index.seq < seq; turn += 1) {
      if (turn === FOLD_TURNS_MAX) throw new StoreUnavailable('the log is ahead of what was folded')
      await new Promise((resolve) => setImmediate(resolve))
    }
    return this.at(seq, chain)
  }

  /** @throws StoreUnavailable when the store cannot be asked. */
  async show(text: string): Promise<Shown> {
    const place = this.#last?.text === text ? this.#last.place : parsePosition(text, this.#key)
    if (place === undefined) return { kind: 'forged' }
    const head = await this.head()
    const standing = standingOf(place, this.#realm.index.epochs, head)
    if (standing === 'fork') return { kind: 'fork', place }
    if (standing === 'left') return { kind: 'reset', place }
    if (place.seq === head.seq)
      return place.chain === head.chain ? { kind: 'on', place } : { kind: 'fork', place }
    const { store, ordinal } = this.#realm
    const [row] = await store.chainedRowsAfter(ordinal, place.seq - 1, 1)
    if (row === undefined || row.seq !== place.seq) return { kind: 'reset', place }
    const chain = Buffer.from(row.chain).toString('base64url')
    return chain === place.chain ? { kind: 'on', place } : { kind: 'fork', place }
  }
}

function isSame(one: Place, other: Place): boolean {
  return (
    one.seq === other.seq &&
    one.chain === other.chain &&
    one.ordinal === other.ordinal &&
    one.epochId === other.epochId
  )
}
