import type { Expectation, Group, Write } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { ByteReader, ByteWriter } from '@rescind/core/bytes'
import { readList } from './columns.ts'
import { decodeOperation, encodeOperation, type StoredOperation } from './operations.ts'
import type { TokenIndex } from './token-index.ts'

/**
 * A group for the writer thread, as one block of bytes: handing over one buffer costs a tenth of cloning the objects of 64
 * writes (bench/README.md, "threads").
 * @param index the rows of tokens that operations may name; the writer reads those rows to be sure.
 */
export function encodeGroup(group: Group, index: TokenIndex): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  out.f64(group.floorMs).u32(group.writes.length)
  for (const write of group.writes) encodeWrite(out, write, index)
  // Copied: small buffers share a pool, which must not be transferred to another thread.
  return new Uint8Array(out.bytes())
}

function encodeWrite(out: ByteWriter, write: Write, index: TokenIndex): void {
  out.u32(write.realm).u32(write.expects.length)
  for (const { collection, id, version } of write.expects) out.longText(collection).longText(id).f64(version)
  out.u32(write.operations.length)
  for (const operation of write.operations) encodeOperation(out, operation, index)
}

export type StoredWrite = {
  readonly realm: RealmOrdinal
  readonly expects: readonly Expectation[]
  readonly operations: readonly StoredOperation[]
}

export type StoredGroup = { readonly floorMs: number; readonly writes: readonly StoredWrite[] }

export function decodeGroup(bytes: Uint8Array): StoredGroup {
  const from = new ByteReader(bytes)
  const floorMs = from.f64()
  const writes = readList(from, decodeWrite)
  from.end()
  return { floorMs, writes }
}

function decodeWrite(from: ByteReader): StoredWrite {
  const realm = realmOrdinal(from.u32())
  return { realm, expects: readList(from, decodeExpectation), operations: readList(from, decodeOperation) }
}

function decodeExpectation(from: ByteReader): Expectation {
  return { collection: from.longText(), id: from.longText(), version: from.f64() }
}
