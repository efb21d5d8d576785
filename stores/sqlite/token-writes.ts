import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConflictWhat } from '@rescind/authority'
import { expiryCeiling, type RealmOrdinal } from '@rescind/core'
import { exact, HIGHEST_EXPIRY, ROW_MAX } from './exact.ts'
import type { Stored } from './operations.ts'
import { sourceIn } from './token-row.ts'

type Seen = readonly [realm: number, digest: string, handle: string, expiresAt: number]
type Named = { readonly digest: string; readonly handle: string }

/** The writer's changes to the table of tokens: new rows at its end, and changes by row number. */
export class TokenWrites {
  readonly #statements: ReturnType<typeof prepare>
  #next: number
  /** Digests and handles put by this group, whose rows were unknown when the group was encoded. */
  readonly #fresh: Set<string> = new Set()
  #firstOfGroup: number
  #moved: number[] = []
  /** Highest expiries known to be stored, so that a token needs no extra statement. */
  readonly #highest: Map<RealmOrdinal, Map<string, number>> = new Map()

  constructor(db: DatabaseSync) {
    this.#statements = prepare(db)
    const [highest] = this.#statements.highest.get() as unknown as [number]
    this.#next = highest + 1
    this.#firstOfGroup = this.#next
  }

  beginGroup(): void {
    this.#fresh.clear()
    this.#firstOfGroup = this.#next
    this.#moved = []
  }

  /** Rows that the group put or forgot so far, in order. */
  get moved(): readonly number[] {
    return this.#moved
  }

  /** Undoes a write's changes in this object, as the database undoes its own. */
  undoTo(moved: number): void {
    this.#moved.length = moved
    this.#highest.clear()
  }

  put(realm: RealmOrdinal, op: Stored<'put'>): ConflictWhat | undefined {
    const { digest, handle, client, facts, sealed } = op
    if (this.#isTaken(realm, op)) return 'token-exists'
    const row = this.#next
    this.#next += 1
    this.#statements.put.run(row, realm, digest, handle, op.expiresAt, op.extendedAt, client, facts, sealed)
    this.#fresh.add(digest).add(handle)
    this.#moved.push(row)
    this.#raise(realm, op.source, op.expiresAt)
    return undefined
  }

  #raise(realm: RealmOrdinal, source: string, expiresAt: number): void {
    const known = this.#highest.get(realm)?.get(source)
    if (known !== undefined && known >= expiresAt) return
    const highest = expiryCeiling(expiresAt)
    const [stored] = this.#statements.raise.get(realm, source, highest) as unknown as [number]
    const ofRealm = this.#highest.get(realm) ?? new Map<string, number>()
    this.#highest.set(realm, ofRealm.set(source, stored))
  }

  extend(realm: RealmOrdinal, op: Stored<'extend'>): ConflictWhat | undefined {
    const row = this.#rowOf(realm, op)
    if (row === undefined) return 'token-missing'
    this.#statements.extend.run(op.expiresAt, op.at, row)
    const [facts] = this.#statements.facts.get(row) as unknown as [string]
    this.#raise(realm, sourceIn(facts), op.expiresAt)
    return undefined
  }

  forget(realm: RealmOrdinal, op: Stored<'forget'>): ConflictWhat | undefined {
    const row = this.#rowOf(realm, op)
    if (row === undefined) return 'token-missing'
    const [, , handle, expiresAt] = this.#seen(row) as Seen
    if (handle !== op.handle || (op.ifExpiresAt !== null && op.ifExpiresAt !== expiresAt))
      return 'token-missing'
    this.#statements.forget.run(row)
    // Row numbers are never reused, because lists continue after the last one that they have seen.
    if (row === this.#next - 1) this.#statements.keepHighest.run(row)
    this.#moved.push(row)
    return undefined
  }

  #isTaken(realm: RealmOrdinal, op: Stored<'put'>): boolean {
    for (const row of op.rows) {
      const seen = this.#seen(row)
      if (seen !== undefined && seen[0] === realm && (seen[1] === op.digest || seen[2] === op.handle))
        return true
    }
    if (!this.#fresh.has(op.digest) && !this.#fresh.has(op.handle)) return false
    return this.#inGroup(realm, op) !== undefined
  }

  #rowOf(realm: RealmOrdinal, { digest, rows }: Stored<'extend'> | Stored<'forget'>): number | undefined {
    for (const row of rows) {
      const seen = this.#seen(row)
      if (seen !== undefined && seen[0] === realm && seen[1] === digest) return row
    }
    return this.#fresh.has(digest) ? this.#inGroup(realm, { digest, handle: '' }) : undefined
  }

  #seen(row: number): Seen | undefined {
    return this.#statements.seen.get(row) as Seen | undefined
  }

  #inGroup(realm: RealmOrdinal, { digest, handle }: Named): number | undefined {
    const found = this.#statements.inGroup.get(this.#firstOfGroup, realm, digest, handle)
    return (found as unknown as [number] | undefined)?.[0]
  }
}

function prepare(db: DatabaseSync) {
  const rows = (sql: string): StatementSync => {
    const statement = db.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  return {
    highest: rows(`SELECT max(
      (SELECT coalesce(max(id), 0) FROM token WHERE id <= ${ROW_MAX}),
      (SELECT coalesce(max(value), 0) FROM meta WHERE name = 'token_row' AND value <= ${ROW_MAX}))`),
    seen: rows(`SELECT ${exact('realm')}, digest, handle, ${exact('expires_at')} FROM token WHERE id = ?`),
    inGroup: rows(
      `SELECT id FROM token WHERE id BETWEEN ? AND ${ROW_MAX} AND realm = ? AND (digest = ? OR handle = ?)`,
    ),
    put: db.prepare(`INSERT INTO token (id, realm, digest, handle, bits, expires_at, extended_at, client, facts, sealed)
      VALUES (?1, ?2, ?3, ?4, substr(?3, 1, 5) || substr(?4, 5, 5), ?5, ?6, ?7, ?8, ?9)`),
    extend: db.prepare('UPDATE token SET expires_at = ?, extended_at = ? WHERE id = ?'),
    facts: rows('SELECT facts FROM token WHERE id = ?'),
    raise: rows(`INSERT INTO source_expiry (realm, source, expires_at) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET expires_at = max(${HIGHEST_EXPIRY}, excluded.expires_at) RETURNING expires_at`),
    forget: db.prepare('DELETE FROM token WHERE id = ?'),
    keepHighest: db.prepare(`INSERT INTO meta (name, value) VALUES ('token_row', ?)
      ON CONFLICT DO UPDATE SET value = excluded.value`),
  }
}
