import { checkpointKeyOf, type Realm } from '@rescind/authority'
import { type Checkpoint, checkpointText, parseCheckpoint, positionOf, relationOf } from '@rescind/core/log'

/** How a presented checkpoint relates to a realm's log. `reset`: it cannot be continued from; only a snapshot helps. */
export type Presented =
  | { readonly kind: 'on'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'reset'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'forged' }
  | { readonly kind: 'fork'; readonly checkpoint: Checkpoint }

/** Makes the checkpoints of a realm's log, and judges presented ones. */
export class Checkpoints {
  readonly #realm: Realm
  readonly #key: Buffer
  /** The last one made; nearly all readers that prove their freshness are at it. */
  #last: { readonly checkpoint: Checkpoint; readonly text: string } | undefined

  constructor(realm: Realm) {
    this.#realm = realm
    this.#key = checkpointKeyOf(realm.keys.sealKey)
  }

  text(checkpoint: Checkpoint): string {
    const last = this.#last
    if (last !== undefined && isSame(last.checkpoint, checkpoint)) return last.text
    const text = checkpointText(checkpoint, this.#key)
    this.#last = { checkpoint, text }
    return text
  }

  at(seq: number, chain: Uint8Array): Checkpoint {
    const epoch = this.#realm.index.epochs.findLast((one) => one.seq <= seq)
    return {
      ordinal: epoch?.ordinal ?? 0,
      epochId: epoch?.epochId ?? '',
      seq,
      chain: Buffer.from(chain.buffer, chain.byteOffset, chain.byteLength).toString('base64url'),
    }
  }

  /**
   * The end of the log, read from the store after the call, and folded.
   * @throws StoreUnavailable when it cannot be known.
   */
  async head(): Promise<Checkpoint> {
    const { seq, chain } = await this.#realm.settledHead()
    return this.at(seq, chain)
  }

  /** @throws StoreUnavailable when the store cannot be asked. */
  async presented(text: string): Promise<Presented> {
    const checkpoint = this.#last?.text === text ? this.#last.checkpoint : parseCheckpoint(text, this.#key)
    if (checkpoint === undefined) return { kind: 'forged' }
    const head = await this.head()
    const relation = relationOf(checkpoint, this.#realm.index.epochs, head)
    if (relation === 'fork') return { kind: 'fork', checkpoint }
    if (relation === 'left') return { kind: 'reset', checkpoint }
    if (checkpoint.seq === head.seq)
      return checkpoint.chain === head.chain ? { kind: 'on', checkpoint } : { kind: 'fork', checkpoint }
    const { store, ordinal } = this.#realm
    const [row] = await store.chainedRowsAfter(ordinal, checkpoint.seq - 1, 1)
    if (row === undefined || row.seq !== checkpoint.seq) return { kind: 'reset', checkpoint }
    const chain = Buffer.from(row.chain).toString('base64url')
    if (chain === checkpoint.chain) return { kind: 'on', checkpoint }
    // A rollback of which the tokens are lost already: the new epoch was its answer.
    return { kind: positionOf(checkpoint) < this.#realm.index.lostBelow ? 'reset' : 'fork', checkpoint }
  }
}

function isSame(one: Checkpoint, other: Checkpoint): boolean {
  return (
    one.seq === other.seq &&
    one.chain === other.chain &&
    one.ordinal === other.ordinal &&
    one.epochId === other.epochId
  )
}
