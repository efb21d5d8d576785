import { readFileSync } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import {
  ContractBroken,
  decodeSnapshot,
  type RevocationIndex,
  type Snapshot,
  SnapshotWriter,
} from '@rescind/core'
import { ByteReader, ByteWriter, sha256 } from '@rescind/core/bytes'
import { readConfig } from './read.ts'
import type { FeedConfig } from './transport.ts'
import { SourceFailed } from './trouble.ts'

/** Shortest time between two writes. */
const KEEP_EVERY_MS = 10_000
const MAGIC = Buffer.from('rescindV', 'latin1')
const VERSION = 2
/** In its files, rules may have been kept shorter than they count today, or may already be missing. */
const OLDER_VERSION = 1
const HASH_BYTES = 32

/**
 * The state in a file; `asOfMs` says how old it is. `older`: an earlier version wrote it. What it shows as over is over, but
 * following must not continue from it.
 */
export type Recalled =
  | {
      readonly kind: 'read' | 'older'
      readonly snapshot: Snapshot
      readonly config: FeedConfig
      readonly asOfMs: number
    }
  | { readonly kind: 'absent' | 'unreadable' }

export type Kept = {
  readonly index: RevocationIndex
  readonly position: string
  readonly config: string
  readonly asOfMs: number
}

/**
 * A verifier's state, for a start without its server. It holds the realm's digest key, so only this user may read it. Each
 * write goes to a second file, which then replaces the first.
 */
export class StateFile {
  readonly #path: string
  readonly #monotonicMs: () => number
  #keptAtMs = Number.NEGATIVE_INFINITY
  #writing: Promise<void> = Promise.resolve()
  #isWriting = false

  constructor(path: string, monotonicMs: () => number) {
    this.#path = path
    this.#monotonicMs = monotonicMs
  }

  /** Call once at the start; reads synchronously. */
  recall(): Recalled {
    let bytes: Buffer
    try {
      bytes = readFileSync(this.#path)
    } catch (error) {
      return { kind: isMissing(error) ? 'absent' : 'unreadable' }
    }
    try {
      return decodeState(bytes) ?? { kind: 'unreadable' }
    } catch (error) {
      if (error instanceof ContractBroken || error instanceof RangeError || error instanceof SourceFailed)
        return { kind: 'unreadable' }
      throw error
    }
  }

  /** Never rejects: if the disk refuses, the older file stays, and shows how old it is. */
  async keep(state: Kept, isLast: boolean): Promise<void> {
    if (!isLast && (this.#isWriting || this.#monotonicMs() - this.#keptAtMs < KEEP_EVERY_MS)) return
    this.#keptAtMs = this.#monotonicMs()
    this.#isWriting = true
    this.#writing = this.#writing.then(() => this.#write(state)).catch(() => undefined)
    await this.#writing
    this.#isWriting = false
  }

  async #write({ index, position, config, asOfMs }: Kept): Promise<void> {
    const writer = new SnapshotWriter(index, position)
    while (writer.step()) await new Promise((resolve) => setImmediate(resolve))
    const out = new ByteWriter().fixed(MAGIC).u8(VERSION).f64(asOfMs).longText(config).block(writer.bytes())
    const body = out.bytes()
    const beside = `${this.#path}.${process.pid}.tmp`
    try {
      const file = await open(beside, 'w', 0o600)
      try {
        await file.writeFile(Buffer.concat([body, sha256(body)]))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(beside, this.#path)
      const folder = await open(dirname(this.#path), 'r')
      await folder.sync()
      await folder.close()
    } catch (error) {
      await unlink(beside).catch(() => undefined)
      throw error
    }
  }
}

/** @returns undefined for bytes that are damaged, or of an unknown version. */
function decodeState(bytes: Buffer): Recalled | undefined {
  if (bytes.length < MAGIC.length + HASH_BYTES || !MAGIC.equals(bytes.subarray(0, MAGIC.length)))
    return undefined
  const body = bytes.subarray(0, bytes.length - HASH_BYTES)
  if (!sha256(body).equals(bytes.subarray(body.length))) return undefined
  const from = new ByteReader(body)
  from.fixed(MAGIC.length)
  const version = from.u8()
  if (version !== VERSION && version !== OLDER_VERSION) return undefined
  const asOfMs = from.f64()
  const config = readConfig(from.longText())
  const snapshot = decodeSnapshot(from.block(), config.digestKey)
  from.end()
  if (snapshot === undefined) return undefined
  if (version === VERSION) return { kind: 'read', snapshot, config, asOfMs }
  return { kind: 'older', snapshot: { ...snapshot, index: snapshot.index.allForGood() }, config, asOfMs }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
