import {
  closeSync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { LogHead } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import type { StoredGroup, StoredWrite } from './group-bytes.ts'
import {
  encodeWrites,
  readSideLine,
  SIDE_START,
  type SideFrame,
  type SideHead,
  type SideLine,
  shippedWrite,
  sideLine,
} from './side-lines.ts'

/** Bytes read at once when the file is opened. */
const CHUNK_BYTES = 1_048_576
/** Longest line in bytes: a group of 256 writes with the largest records that requests can make. */
const LINE_MAX_BYTES = 64 * 1_048_576
const NEWLINE = 10

/**
 * A second durable copy of what is committed, in a file on another volume. Each line is on its disk before the store commits,
 * so the file is never behind. It holds the logs, the directories and consumptions, but no tokens.
 */
export class SideLog {
  readonly #file: number
  readonly #path: string
  #hash = SIDE_START
  #bytes = 0
  #closed = false
  #left = false

  /** Opens or creates the file. @throws StoreRefused when it is not a side log; file system errors. */
  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'a+', 0o600)
    // Until its folder entry is on disk, a power cut could lose the file.
    const folder = openSync(dirname(path), 'r')
    fsyncSync(folder)
    closeSync(folder)
  }

  /** Whether the last line says that the store was closed in order. */
  get closed(): boolean {
    return this.#closed
  }

  get isEmpty(): boolean {
    return this.#bytes === 0
  }

  /** Every complete line in order; a half-written line that a crash left at the end is cut off. */
  *lines(): Generator<SideLine, void> {
    let rest: Buffer = Buffer.alloc(0)
    let read = 0
    for (;;) {
      const chunk = Buffer.alloc(CHUNK_BYTES)
      const count = readSync(this.#file, chunk, 0, CHUNK_BYTES, read)
      if (count === 0) break
      read += count
      rest = Buffer.concat([rest, chunk.subarray(0, count)])
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        const line = readSideLine(this.#hash, rest.toString('utf8', 0, end))
        if (line === undefined) return this.#endAt(read - rest.length, end + 1)
        this.#took(line.hash, line.frame, end + 1)
        rest = rest.subarray(end + 1)
        yield line
      }
      if (rest.length > LINE_MAX_BYTES) break
    }
    this.#endAt(read - rest.length, rest.length)
  }

  start(heads: readonly SideHead[]): void {
    this.#append({ frame: { kind: 'start', heads }, operations: '' })
  }

  /** Appends a group's applied writes; durable when this returns. @throws file system errors. */
  group(group: StoredGroup, { applied, from, to }: Shipped): void {
    const writes = applied.flatMap((write) => shippedWrite(write) ?? [])
    if (writes.length === 0) return
    const frame: SideFrame = { kind: 'group', floorMs: group.floorMs, from, to }
    this.#append({ frame, operations: encodeWrites(writes) })
  }

  /** Marks that the store goes on without this file, which proves nothing from here on. @throws StoreRefused; file system errors. */
  leave(): void {
    for (const { frame } of this.lines()) this.#left = frame.kind === 'left'
    if (!this.isEmpty && !this.#left) this.#append({ frame: { kind: 'left' }, operations: '' })
  }

  /** @param inOrder marks that nothing more can come, so that a restore may treat the file as complete. */
  close(inOrder: boolean): void {
    if (inOrder && !this.#closed) this.#append({ frame: { kind: 'closed' }, operations: '' })
    closeSync(this.#file)
  }

  #append(line: SideLine): void {
    const { text, hash } = sideLine(this.#hash, line)
    const bytes = Buffer.from(text, 'utf8')
    // Remove what a failed write left, so that the next line follows a complete one.
    if (statSync(this.#path).size !== this.#bytes) ftruncateSync(this.#file, this.#bytes)
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at)
    fdatasyncSync(this.#file)
    this.#took(hash, line.frame, bytes.length)
  }

  #took(hash: string, { kind }: SideFrame, bytes: number): void {
    this.#hash = hash
    this.#bytes += bytes
    this.#closed = kind === 'closed'
    this.#left = kind === 'left'
  }

  /** Cuts the file after its last complete line. A crash leaves at most one broken line, at the end. */
  #endAt(bytes: number, broken: number): void {
    const { size } = statSync(this.#path)
    if ((bytes === 0 && size > 0) || size > bytes + broken)
      throw new StoreRefused(`${this.#path} is not a side log of Rescind, or was altered`)
    if (size > bytes) ftruncateSync(this.#file, bytes)
  }
}

export type Shipped = {
  readonly applied: readonly StoredWrite[]
  readonly from: readonly SideHead[]
  readonly to: readonly SideHead[]
}

export function sideHead(realm: SideHead['realm'], { seq, chain }: LogHead): SideHead {
  return { realm, seq, chain: Buffer.from(chain).toString('base64url') }
}
