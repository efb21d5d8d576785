import type { ByteReader, ByteWriter } from '@rescind/core/bytes'

/** The parts that operations share, as bytes and as SQLite's column values. */

export const NOTHING: Uint8Array = new Uint8Array(0)
const NO_ROWS: readonly number[] = []

export function writeTime(out: ByteWriter, ms: number | undefined): void {
  if (ms === undefined) out.u8(0)
  else out.u8(1).f64(ms)
}

export function readTime(from: ByteReader): number | null {
  return from.u8() === 0 ? null : from.f64()
}

export function writeRows(out: ByteWriter, rows: readonly number[], more: readonly number[] = NO_ROWS): void {
  out.u32(rows.length + more.length)
  for (const row of rows) out.f64(row)
  for (const row of more) out.f64(row)
}

export function readRows(from: ByteReader): readonly number[] {
  const count = from.u32()
  return count === 0 ? NO_ROWS : Array.from({ length: count }, () => from.f64())
}

export function readList<T>(from: ByteReader, read: (from: ByteReader) => T): T[] {
  const items: T[] = []
  for (let left = from.u32(); left > 0; left -= 1) items.push(read(from))
  return items
}

export function orNull(text: string): string | null {
  return text === '' ? null : text
}

export function blobOrNull(bytes: Buffer): Uint8Array | null {
  return bytes.length === 0 ? null : bytes
}
