import { createHash } from 'node:crypto'
import { type RealmOrdinal, realmOrdinal } from '@rescind/core'
import type { StoredWrite } from './group-bytes.ts'
import type { StoredKind, StoredOperation } from './operations.ts'

/** A realm's head before or after a line. */
export type SideHead = { readonly realm: RealmOrdinal; readonly seq: number; readonly chain: string }

/** The head of a line; a group's operations follow it, and are parsed only when they are needed. */
export type SideFrame =
  /** The log is complete from here on; earlier changes are not in it. */
  | { readonly kind: 'start'; readonly heads: readonly SideHead[] }
  | {
      readonly kind: 'group'
      readonly floorMs: number
      /** Heads of the logs that the group wrote to; empty for a group without rows. */
      readonly from: readonly SideHead[]
      readonly to: readonly SideHead[]
    }
  /** The store was closed in order: nothing came after the lines before. */
  | { readonly kind: 'closed' }
  /** The store went on without this file. */
  | { readonly kind: 'left' }

export type SideLine = { readonly frame: SideFrame; readonly operations: string }

/** The hash before the first line; also the format's version. */
export const SIDE_START = 'rescind side log 1'
const HASH_CHARS = 43

/** `hash TAB frame TAB operations NEWLINE`; the hash covers the line and, through the previous hash, all lines before it. */
export function sideLine(before: string, { frame, operations }: SideLine): { text: string; hash: string } {
  const said = `${JSON.stringify(frame)}\t${operations}`
  const hash = hashOf(before, said)
  return { text: `${hash}\t${said}\n`, hash }
}

/** @returns undefined for a line that was torn or altered, or that does not follow the one before. */
export function readSideLine(before: string, text: string): (SideLine & { hash: string }) | undefined {
  const said = text.slice(HASH_CHARS + 1)
  const hash = text.slice(0, HASH_CHARS)
  if (text[HASH_CHARS] !== '\t' || hash !== hashOf(before, said)) return undefined
  const tab = said.indexOf('\t')
  // The hash covers it, so it is what `sideLine` wrote.
  return { hash, frame: JSON.parse(said.slice(0, tab)) as SideFrame, operations: said.slice(tab + 1) }
}

function hashOf(before: string, said: string): string {
  return createHash('sha256').update(before).update('\n').update(said).digest('base64url')
}

/** A write without its token operations: tokens issued after a backup are lost with the store. */
export function shippedWrite({ realm, operations }: StoredWrite): StoredWrite | undefined {
  const kept = operations.filter(
    (operation) =>
      IS_SHIPPED[operation.kind] || (operation.kind === 'forget' && operation.tombstoneOf !== null),
  )
  return kept.length === 0 ? undefined : { realm, expects: [], operations: kept }
}

const IS_SHIPPED: Readonly<Record<StoredKind, boolean>> = {
  ...{ consume: true, append: true, record: true, remove: true, memo: true, unmemo: true, trim: true },
  ...{ put: false, extend: false, forget: false, unaudit: false },
}

export function encodeWrites(writes: readonly StoredWrite[]): string {
  return JSON.stringify(
    writes.map(({ realm, operations }) => [realm, operations]),
    asText,
  )
}

export function decodeWrites(text: string): readonly StoredWrite[] {
  const writes = JSON.parse(text, asBytes) as readonly (readonly [number, readonly StoredOperation[]])[]
  return writes.map(([realm, operations]) => ({ realm: realmOrdinal(realm), expects: [], operations }))
}

type Bytes = { readonly base64: string }

/** Buffers arrive here as the result of their `toJSON`, other byte arrays unchanged. */
function asText(_name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return { base64: Buffer.from(value).toString('base64') }
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'Buffer')
    return value
  return 'data' in value && Array.isArray(value.data)
    ? { base64: Buffer.from(value.data as number[]).toString('base64') }
    : value
}

function asBytes(_name: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'base64' in value
  return isBytes ? Buffer.from((value as Bytes).base64, 'base64') : value
}
