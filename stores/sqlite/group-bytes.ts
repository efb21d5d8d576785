import type { Expectation, Group, Unit } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import { ByteReader, ByteWriter } from '@rescind/core/bytes'
import { readList } from './columns.ts'
import { decodeOperation, encodeOperation, type StoredOperation } from './operations.ts'
import type { TokenIndex } from './token-index.ts'

/**
 * A group on its way to the writer thread, as one block of bytes: handing over one buffer costs a tenth of what
 * cloning the objects of 64 units costs (bench/README.md, "threads").
 * @param index where tokens stand that an operation may name; the writer reads them to be sure.
 */
export function encodeGroup(group: Group, index: TokenIndex): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  out.f64(group.floorMs).u32(group.units.length)
  for (const unit of group.units) encodeUnit(out, unit, index)
  // A copy of its own: small buffers share a pool, which must not be handed to another thread.
  return new Uint8Array(out.bytes())
}

function encodeUnit(out: ByteWriter, unit: Unit, index: TokenIndex): void {
  out.u32(unit.realm).u32(unit.expects.length)
  for (const { collection, id, version } of unit.expects) out.longText(collection).longText(id).f64(version)
  out.u32(unit.operations.length)
  for (const operation of unit.operations) encodeOperation(out, operation, index)
}

export type StoredUnit = {
  readonly realm: RealmOrdinal
  readonly expects: readonly Expectation[]
  readonly operations: readonly StoredOperation[]
}

export type StoredGroup = { readonly floorMs: number; readonly units: readonly StoredUnit[] }

export function decodeGroup(bytes: Uint8Array): StoredGroup {
  const from = new ByteReader(bytes)
  const floorMs = from.f64()
  const units = readList(from, decodeUnit)
  from.end()
  return { floorMs, units }
}

function decodeUnit(from: ByteReader): StoredUnit {
  const realm = realmOrdinal(from.u32())
  return { realm, expects: readList(from, decodeExpectation), operations: readList(from, decodeOperation) }
}

function decodeExpectation(from: ByteReader): Expectation {
  return { collection: from.longText(), id: from.longText(), version: from.f64() }
}
