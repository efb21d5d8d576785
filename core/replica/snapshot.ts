import { ByteReader, ByteWriter } from '../bytes/bytes.ts'
import { RunningHash, sha256 } from '../crypto/digests.ts'
import { ContractBroken } from '../faults.ts'
import { type Checkpoint, readCheckpoint } from '../log/checkpoint-text.ts'
import type { IndexKey } from '../log/index-keys.ts'
import type { Epoch } from '../log/lineage.ts'
import { ROW_KINDS } from '../log/row-kinds.ts'
import { decodeRule, encodeRule } from '../log/rule-bytes.ts'
import {
  CUTOFF_SHAPE_CODE,
  CUTOFF_SHAPES,
  type CutoffShape,
  EXACT_CODE,
  type ExactTarget,
} from '../log/rules.ts'
import type { Position } from '../position.ts'
import type { Cutoff, CutoffTable } from '../revocations/cutoff-table.ts'
import { keepUntilOf, PARTITIONS } from '../revocations/key-table.ts'
import { RevocationIndex } from '../revocations/revocation-index.ts'

/**
 * An index as bytes, all numbers big-endian:
 *
 *     "rescindS", u8 version, text position, f64 lostBelow, f64 floorMs
 *     u32 n, n × epoch            u32 ordinal, text id, f64 seq of its row
 *     u8 bits                     kinds of exact targets that were ever ended
 *     u8 n, n × shape of cutoff  u8 shape, u32 m, m × (16 bytes of key, 6 × f64)
 *     u32 n, n × hold             f64 position, u32 length, rule bytes
 *     u32 n, n × expiry           f64 kept until, u32 m, m × 16 bytes of key
 *     32 bytes                    SHA-256 of all before
 */
const MAGIC = Buffer.from('rescindS', 'latin1')
const VERSION = 1
const HASH_BYTES = 32
const KEY_BYTES = 16
/** Each kind of exact target has the bit given by its code. */
const EXACT_KINDS: readonly ExactTarget['kind'][] = Object.keys(EXACT_CODE).filter(isExactKind)
const bitOf = (kind: ExactTarget['kind']): number => 1 << (EXACT_CODE[kind] - 1)
const ALL_BITS: number = EXACT_KINDS.reduce((bits, kind) => bits | bitOf(kind), 0)
/** Keys gathered, or bytes joined, in one step of a writer: a millisecond or two. */
const KEYS_PER_STEP = 8_000
const BYTES_PER_STEP = 524_288
const CUTOFFS_PER_STEP = 2_000

export type Snapshot = {
  readonly index: RevocationIndex
  readonly checkpoint: Checkpoint
  /** The checkpoint as the server wrote it, to present to it again. */
  readonly position: string
}

/**
 * Writes a snapshot in steps, so that a large one blocks nothing. Rows folded meanwhile may or may not be in it. That is
 * harmless: the snapshot names the position at which it began, and folding those rows again changes nothing.
 */
export class SnapshotWriter {
  readonly #index: RevocationIndex
  readonly #head: Buffer
  readonly #cutoffs: readonly CutoffBlock[]
  readonly #holds: Buffer
  readonly #groups: Map<number, KeyBlock> = new Map()
  #next = 0
  #joining: Joining | undefined

  /** @param position text of the index's checkpoint now. */
  constructor(index: RevocationIndex, position: string) {
    this.#index = index
    this.#head = encodeHead(index, position)
    this.#cutoffs = Array.from(index.cutoffs, ([shape, table]) => new CutoffBlock(shape, table))
    this.#holds = encodeHolds(index)
  }

  /** @returns whether there is more to do. */
  step(): boolean {
    const cutoffs = this.#cutoffs.find(({ isWhole }) => !isWhole)
    if (cutoffs !== undefined) cutoffs.gather()
    else if (this.#next < PARTITIONS) this.#gather()
    else this.#joining = this.#joining?.step() ?? new Joining(this.#parts())
    return this.#joining?.isDone !== true
  }

  /** The complete snapshot, after the last step. */
  bytes(): Buffer {
    if (this.#joining?.isDone !== true) throw new ContractBroken('a snapshot that is not written yet')
    return this.#joining.bytes
  }

  #gather(): void {
    for (let keys = 0; this.#next < PARTITIONS && keys < KEYS_PER_STEP; this.#next += 1) {
      this.#index.ended.visit(this.#next, this.#next + 1, (words, at, keep) => {
        const block = this.#groups.get(keep) ?? new KeyBlock()
        this.#groups.set(keep, block)
        block.add(words, at)
        keys += 1
      })
    }
  }

  #parts(): readonly Uint8Array[] {
    const shapes = new ByteWriter().u8(this.#cutoffs.length).bytes()
    const cutoffs = this.#cutoffs.flatMap((block) => block.parts())
    const parts: Uint8Array[] = [this.#head, shapes, ...cutoffs, this.#holds]
    parts.push(new ByteWriter().u32(this.#groups.size).bytes())
    for (const [keep, block] of [...this.#groups].sort(([left], [right]) => left - right)) {
      parts.push(new ByteWriter().f64(keepUntilOf(keep)).u32(block.count).bytes(), ...block.chunks())
    }
    return parts
  }
}

/** Joins the parts into one buffer, and appends the hash of all of them. */
class Joining {
  readonly bytes: Buffer
  readonly #parts: readonly Uint8Array[]
  readonly #hash: RunningHash = new RunningHash()
  #next = 0
  #end = 0
  isDone = false

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts
    this.bytes = Buffer.allocUnsafe(parts.reduce((total, { length }) => total + length, HASH_BYTES))
  }

  step(): this {
    const from = this.#end
    for (; this.#next < this.#parts.length && this.#end < from + BYTES_PER_STEP; this.#next += 1) {
      const part = this.#parts[this.#next] as Uint8Array
      this.bytes.set(part, this.#end)
      this.#end += part.length
    }
    this.#hash.add(this.bytes.subarray(from, this.#end))
    if (this.#next < this.#parts.length) return this
    this.bytes.set(this.#hash.end(), this.#end)
    this.isDone = true
    return this
  }
}

/** The same in one go. */
export function encodeSnapshot(index: RevocationIndex, position: string): Buffer {
  const writer = new SnapshotWriter(index, position)
  while (writer.step());
  return writer.bytes()
}

/**
 * @returns undefined for bytes that are cut short, damaged, or of an unknown version.
 * @throws ContractBroken for undamaged bytes that a writer like this one would not produce.
 */
export function decodeSnapshot(bytes: Uint8Array, digestKey: string): Snapshot | undefined {
  if (bytes.length < MAGIC.length + HASH_BYTES) return undefined
  const body = bytes.subarray(0, bytes.length - HASH_BYTES)
  if (!MAGIC.equals(bytes.subarray(0, MAGIC.length))) return undefined
  if (!sha256(body).equals(bytes.subarray(body.length))) return undefined
  const from = new ByteReader(body)
  from.fixed(MAGIC.length)
  if (from.u8() !== VERSION) return undefined
  const position = from.text()
  const checkpoint = readCheckpoint(position)
  if (checkpoint === undefined) throw new ContractBroken('a snapshot without a position')
  const index = new RevocationIndex(digestKey)
  const [lostBelow, floorMs] = [from.f64() as Position, from.f64()]
  const epochs = Array.from({ length: from.u32() }, () => readEpoch(from))
  const last = epochs.at(-1)
  if (last?.ordinal !== checkpoint.ordinal || last.epochId !== checkpoint.epochId)
    throw new ContractBroken('a snapshot whose position is not of its epoch')
  index.adopt({ epochs, seq: checkpoint.seq, lostBelow, floorMs })
  readKinds(from, index)
  readCutoffs(from, index)
  readHolds(from, index)
  readEnded(from, index)
  from.end()
  return { index, checkpoint, position }
}

function encodeHead(index: RevocationIndex, position: string): Buffer {
  const out = new ByteWriter().fixed(MAGIC).u8(VERSION).text(position)
  out.f64(index.lostBelow).f64(index.floorMs).u32(index.epochs.length)
  for (const { ordinal, epochId, seq } of index.epochs) out.u32(ordinal).text(epochId).f64(seq)
  out.u8(EXACT_KINDS.reduce((bits, kind) => bits | (index.endedKinds.has(kind) ? bitOf(kind) : 0), 0))
  return out.bytes()
}

function encodeHolds(index: RevocationIndex): Buffer {
  const out = new ByteWriter().u32(index.holds.size)
  for (const [id, { target, at }] of index.holds.entries()) {
    out.f64(at).block(encodeRule({ kind: 'hold', id, target }, index.digestKey))
  }
  return out.bytes()
}

/** The cutoffs of one shape, gathered in steps. More may come meanwhile, so they are counted as they are written. */
class CutoffBlock {
  readonly #shape: CutoffShape
  readonly #entries: Iterator<readonly [IndexKey, Cutoff]>
  readonly #chunks: Buffer[] = []
  #count = 0
  isWhole = false

  constructor(shape: CutoffShape, table: CutoffTable) {
    this.#shape = shape
    // The walk starts now, because it must include everything up to the snapshot's position.
    this.#entries = table.entries()[Symbol.iterator]()
  }

  gather(): void {
    const out = new ByteWriter()
    for (let left = CUTOFFS_PER_STEP; left > 0; left -= 1) {
      const next = this.#entries.next()
      if (next.done === true) {
        this.isWhole = true
        break
      }
      const [key, cutoff] = next.value
      out.fixed(Buffer.from(key, 'latin1')).f64(cutoff.plain).f64(cutoff.plainAtMs)
      out.f64(cutoff.datedBeforeMs).f64(cutoff.dated).f64(cutoff.authenticatedMs).f64(cutoff.keepUntilMs)
      this.#count += 1
    }
    this.#chunks.push(out.bytes())
  }

  parts(): readonly Uint8Array[] {
    return [new ByteWriter().u8(CUTOFF_SHAPE_CODE[this.#shape]).u32(this.#count).bytes(), ...this.#chunks]
  }
}

function isExactKind(name: string): name is ExactTarget['kind'] {
  return Object.hasOwn(EXACT_CODE, name)
}

function readEpoch(from: ByteReader): Epoch {
  return { ordinal: from.u32(), epochId: from.text(), seq: from.f64() }
}

function readKinds(from: ByteReader, index: RevocationIndex): void {
  const bits = from.u8()
  // A kind unknown here may have ended targets that this version would look up.
  if ((bits & ~ALL_BITS) !== 0) throw new ContractBroken('a snapshot with an unknown kind of target')
  for (const kind of EXACT_KINDS) if ((bits & bitOf(kind)) !== 0) index.endedKinds.add(kind)
}

function readCutoffs(from: ByteReader, index: RevocationIndex): void {
  for (let left = from.u8(); left > 0; left -= 1) {
    const shape = CUTOFF_SHAPES[from.u8()]
    if (shape === undefined) throw new ContractBroken('a snapshot with an unknown shape of cutoff')
    for (let entries = from.u32(); entries > 0; entries -= 1) {
      const key = from.fixed(KEY_BYTES).toString('latin1') as IndexKey
      const cutoff: Cutoff = {
        plain: from.f64() as Position,
        plainAtMs: from.f64(),
        datedBeforeMs: from.f64(),
        dated: from.f64() as Position,
        authenticatedMs: from.f64(),
        keepUntilMs: from.f64(),
      }
      index.raiseCutoff(shape, key, cutoff)
    }
  }
}

function readHolds(from: ByteReader, index: RevocationIndex): void {
  for (let left = from.u32(); left > 0; left -= 1) {
    const at = from.f64() as Position
    const rule = decodeRule({ kind: ROW_KINDS.hold.code, rule: from.block() })
    if (rule.kind !== 'hold') throw new ContractBroken('a snapshot whose hold is another rule')
    index.holds.place(rule.id, rule.target, at)
  }
}

function readEnded(from: ByteReader, index: RevocationIndex): void {
  const groups = Array.from({ length: from.u32() }, () => {
    const keepUntilMs = from.f64()
    const count = from.u32()
    return { keepUntilMs, count, keys: from.fixed(count * KEY_BYTES) }
  })
  index.beginFill(groups.reduce((total, { count }) => total + count, 0))
  for (const { keepUntilMs, count, keys } of groups) {
    for (let at = 0; at < count; at += 1) index.ended.addBytes(keys, at * KEY_BYTES, keepUntilMs)
  }
  index.endFill()
}

const CHUNK_KEYS = 4_096
/** Words are in this machine's byte order in memory, and big-endian on the wire. */
const IS_BIG_ENDIAN: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 0

/** Keys of one expiry, in chunks, because a single growing array would be copied whole. */
class KeyBlock {
  readonly #chunks: Uint32Array[] = []
  count = 0

  add(words: Uint32Array, at: number): void {
    const start = (this.count % CHUNK_KEYS) * 4
    if (start === 0) this.#chunks.push(new Uint32Array(CHUNK_KEYS * 4))
    const chunk = this.#chunks.at(-1) as Uint32Array
    for (let word = 0; word < 4; word += 1) chunk[start + word] = words[at + word] as number
    this.count += 1
  }

  /** Call it once: it swaps the bytes in place. */
  chunks(): readonly Uint8Array[] {
    return this.#chunks.map((chunk, nth) => {
      const keys = Math.min(CHUNK_KEYS, this.count - nth * CHUNK_KEYS)
      const bytes = Buffer.from(chunk.buffer, 0, keys * KEY_BYTES)
      return IS_BIG_ENDIAN ? bytes : bytes.swap32()
    })
  }
}
