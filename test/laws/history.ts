import {
  decodeSnapshot,
  encodeSnapshot,
  type FeedEvent,
  ORIGIN,
  PARTITIONS,
  RevocationIndex,
  type Snapshot,
} from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { type ChainedLogRow, type Checkpoint, chainAfter, checkpointText, type Rule } from '@rescind/core/log'
import fc from 'fast-check'
import { DAY_MS, DIGEST_KEY, NOW_MS, revoking, rowOf, SOURCE, tokenTarget } from '../kit/samples.ts'

const CHECKPOINT_KEY: Uint8Array = Buffer.alloc(32, 5)

/** A log with its chain, and the events and checkpoints that a server would send. */
export class History {
  readonly rows: ChainedLogRow[] = []
  readonly checkpoints: Checkpoint[] = []

  constructor(rules: readonly Rule[]) {
    const first = { kind: 'epoch', ordinal: 1, epochId: 'epoch-1', lostBelow: ORIGIN } as const
    for (const rule of [first, ...rules]) this.add(rule)
  }

  add(rule: Rule, audit = ''): void {
    const row = rowOf(this.rows.length + 1, rule)
    const auditHash = sha256(Buffer.from(audit))
    const chain = chainAfter(this.rows.at(-1)?.chain ?? Buffer.alloc(32), { ...row, auditHash })
    this.rows.push({ ...row, auditHash, chain })
    const before = this.checkpoints.at(-1) ?? { ordinal: 0, epochId: '' }
    const { ordinal, epochId } = rule.kind === 'epoch' ? rule : before
    this.checkpoints.push({ ordinal, epochId, seq: row.seq, chain: chain.toString('base64url') })
  }

  get seq(): number {
    return this.rows.length
  }

  position(seq: number): string {
    return checkpointText(this.checkpoints[seq - 1] as Checkpoint, CHECKPOINT_KEY)
  }

  /** The group of rows after `prev` up to `seq`. */
  event(prev: number, seq: number): FeedEvent {
    return { prev, position: this.position(seq), rows: this.rows.slice(prev, seq) }
  }

  index(seq: number): RevocationIndex {
    const index = new RevocationIndex(DIGEST_KEY)
    for (const row of this.rows.slice(0, seq)) index.fold(row)
    return index
  }

  bytes(seq: number): Buffer {
    return encodeSnapshot(this.index(seq), this.position(seq))
  }

  snapshot(seq: number): Snapshot {
    const decoded = decodeSnapshot(this.bytes(seq), DIGEST_KEY)
    if (decoded === undefined) throw new Error('a snapshot that was just made')
    return decoded
  }
}

const KEEP_MS = NOW_MS + 400 * DAY_MS

/** Rules that often concern the same tokens; with `epochs`, some start new epochs. */
export function rules(epochs: boolean): fc.Arbitrary<readonly Rule[]> {
  const number = fc.nat(5)
  const name = number.map((nth) => `c${nth}`)
  const cutoff = (client: string, issuedBeforeMs?: number): Rule => ({
    kind: 'revoke',
    keepUntilMs: KEEP_MS,
    target: {
      kind: 'cut',
      shape: 'client',
      principals: { source: SOURCE, client },
      ...(issuedBeforeMs === undefined ? {} : { issuedBeforeMs }),
    },
  })
  const one: fc.Arbitrary<Rule | 'epoch'> = fc.oneof(
    { weight: 6, arbitrary: number.map((nth) => revoking(tokenTarget(nth), KEEP_MS + nth * DAY_MS)) },
    { weight: 3, arbitrary: name.map((client) => cutoff(client)) },
    { weight: 1, arbitrary: fc.tuple(name, number).map(([client, ms]) => cutoff(client, NOW_MS + ms)) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(name, number)
        .map(([id, nth]): Rule => ({ kind: 'hold', id, target: tokenTarget(nth) })),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(name, name).map(
        ([id, tenant]): Rule => ({
          kind: 'hold',
          id,
          target: { kind: 'cut', shape: 'tenant', principals: { source: SOURCE, tenant } },
        }),
      ),
    },
    { weight: 3, arbitrary: name.map((id): Rule => ({ kind: 'release', id })) },
    {
      weight: 1,
      arbitrary: name.map((id): Rule => ({ kind: 'change', collection: 'things', id, version: 1 })),
    },
    { weight: epochs ? 1 : 0, arbitrary: fc.constant('epoch' as const) },
  )
  return fc.array(one, { maxLength: 40 }).map((drawn) => {
    let ordinal = 1
    return drawn.map((rule): Rule => {
      if (rule !== 'epoch') return rule
      ordinal += 1
      return { kind: 'epoch', ordinal, epochId: `epoch-${ordinal}`, lostBelow: ORIGIN }
    })
  })
}

/** Everything in an index, in a canonical order. */
export function dump(index: RevocationIndex): unknown {
  const ended: string[] = []
  index.ended.visit(0, PARTITIONS, (words, at, keep) =>
    ended.push(`${[...words.subarray(at, at + 4)].join()}:${keep}`),
  )
  const cutoffs = [...index.cutoffs].flatMap(([shape, table]) =>
    [...table.entries()].map(([key, cutoff]) => [shape, key, cutoff] as const),
  )
  return {
    at: [index.seq, index.head, index.epochId, index.lostBelow, index.floorMs],
    epochs: index.epochs,
    kinds: [...index.endedKinds].sort(),
    ended: ended.sort(),
    cutoffs: cutoffs.map((one) => JSON.stringify(one)).sort(),
    holds: [...index.holds.entries()].map((one) => JSON.stringify(one)).sort(),
  }
}
