import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { ConflictWhat, LogHead } from '@rescind/authority'
import { type RealmOrdinal, realmOrdinal, unreachable } from '@rescind/core'
import { sha256 } from '@rescind/core/bytes'
import { CHAIN_START, chainAfter } from '@rescind/core/log'
import { versionColumn } from './exact.ts'
import type { StoredWrite } from './group-bytes.ts'
import { logId, seqOfLogId } from './log-id.ts'
import type { Stored, StoredKind, StoredOperation } from './operations.ts'
import { TokenWrites } from './token-writes.ts'

/** A write's outcome as one number: the seq of its first row, or a negative number for a conflict. */
export const CONFLICT: Readonly<Record<ConflictWhat, number>> = {
  'token-exists': -1,
  'token-missing': -2,
  consumed: -3,
  'record-changed': -4,
  'key-taken': -5,
  'expiring-exists': -6,
}

/** Operations of at most one statement that can conflict: alone, they leave nothing to undo. */
const IS_ONE_STEP: Readonly<Record<StoredKind, boolean>> = {
  ...{ put: true, extend: true, consume: true, append: true, remove: true, memo: true, unmemo: true },
  ...{ record: false, forget: false, unaudit: false, trim: false },
}

/** Applies writes within the writer's transaction, each entirely or not at all. */
export class Applier {
  readonly #db: DatabaseSync
  readonly #statements: Statements
  readonly tokens: TokenWrites
  readonly #heads: Map<RealmOrdinal, LogHead> = new Map()
  #audit = { text: Buffer.alloc(0), hash: sha256(Buffer.alloc(0)) }

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#statements = prepare(db)
    this.tokens = new TokenWrites(db)
  }

  head(realm: RealmOrdinal): LogHead {
    const known = this.#heads.get(realm)
    if (known !== undefined) return known
    const row = this.#statements.head.get(logId(realm, 0), logId(realmOrdinal(realm + 1), 0))
    const head =
      row === undefined
        ? { seq: 0, chain: CHAIN_START }
        : { seq: seqOfLogId(Number(row.id)), chain: Buffer.from(row.chain as Uint8Array) }
    this.#heads.set(realm, head)
    return head
  }

  /** @returns an outcome encoded as CONFLICT describes. */
  write(write: StoredWrite): number {
    const before = this.head(write.realm)
    const moved = this.tokens.moved.length
    // A single statement that conflicts has changed nothing; more than one needs a savepoint.
    const [first] = write.operations
    const whole = write.operations.length === 1 && first !== undefined && IS_ONE_STEP[first.kind]
    if (!whole) this.#db.exec('SAVEPOINT unit')
    const conflict = this.#expectations(write) ?? this.#operations(write)
    if (conflict === undefined) {
      if (!whole) this.#db.exec('RELEASE unit')
      const after = this.head(write.realm)
      return after.seq > before.seq ? before.seq + 1 : after.seq
    }
    if (!whole) this.#db.exec('ROLLBACK TO unit; RELEASE unit')
    this.#heads.set(write.realm, before)
    this.tokens.undoTo(moved)
    return CONFLICT[conflict]
  }

  #expectations(write: StoredWrite): ConflictWhat | undefined {
    for (const { collection, id, version } of write.expects) {
      if (this.#version(write.realm, collection, id) !== version) return 'record-changed'
    }
    return undefined
  }

  #operations(write: StoredWrite): ConflictWhat | undefined {
    for (const operation of write.operations) {
      const conflict = this.#operation(write.realm, operation)
      if (conflict !== undefined) return conflict
    }
    return undefined
  }

  #operation(realm: RealmOrdinal, op: StoredOperation): ConflictWhat | undefined {
    const statements = this.#statements
    switch (op.kind) {
      case 'put':
        return this.tokens.put(realm, op)
      case 'extend':
        return this.tokens.extend(realm, op)
      case 'consume':
        return statements.consume.run(realm, op.handle, op.sealed).changes === 0 ? 'consumed' : undefined
      case 'append':
        return this.#append(realm, op)
      case 'record':
        return this.#putRecord(realm, op)
      case 'remove':
        return this.#removeRecord(realm, op)
      case 'memo': {
        const { of, id, value, expiresAt, unlessAliveAt } = op
        const { changes } = statements.putMemo.run(realm, of, id, value, expiresAt, unlessAliveAt)
        return changes === 0 ? 'expiring-exists' : undefined
      }
      case 'unmemo':
        // Dropping an entry that is not there, or was put again, is already done.
        statements.dropMemo.run(realm, op.of, op.id, op.ifExpiresAt)
        return undefined
      case 'forget':
        return this.#forget(realm, op)
      case 'unaudit':
        return this.#forgetAudit(realm, op)
      case 'trim':
        return this.#trim(realm, op)
      default:
        return unreachable(op)
    }
  }

  #append(realm: RealmOrdinal, op: Stored<'append'>): undefined {
    const head = this.head(realm)
    const seq = head.seq + 1
    const auditHash = this.#hashOfAudit(op.audit)
    const chain = chainAfter(head.chain, { seq, atMs: op.at, kind: op.row, rule: op.rule, auditHash })
    this.#statements.append.run(logId(realm, seq), op.at, op.row, op.rule, op.audit, chain)
    this.#heads.set(realm, { seq, chain })
  }

  /** A cache of one: under load most rows have the same audit as the one before. */
  #hashOfAudit(audit: Buffer): Buffer {
    if (!audit.equals(this.#audit.text)) this.#audit = { text: Buffer.from(audit), hash: sha256(audit) }
    return this.#audit.hash
  }

  #putRecord(realm: RealmOrdinal, op: Stored<'record'>): ConflictWhat | undefined {
    const { collection, id, fromVersion, body, keys, lists } = op
    if (this.#version(realm, collection, id) !== fromVersion) return 'record-changed'
    this.#statements.putRecord.run(realm, collection, id, fromVersion + 1, body)
    this.#statements.freeKeys.run(realm, collection, id)
    for (const { name, value } of keys) {
      if (this.#statements.takeKey.run(realm, collection, name, value, id).changes === 0) return 'key-taken'
    }
    this.#statements.freeLists.run(realm, collection, id)
    for (const { name, value } of lists) this.#statements.list.run(realm, collection, name, value, id)
    return undefined
  }

  #removeRecord(realm: RealmOrdinal, op: Stored<'remove'>): ConflictWhat | undefined {
    const { collection, id, fromVersion } = op
    const { changes } = this.#statements.removeRecord.run(fromVersion + 1, realm, collection, id, fromVersion)
    if (changes === 0) return 'record-changed'
    this.#statements.freeKeys.run(realm, collection, id)
    this.#statements.freeLists.run(realm, collection, id)
    return undefined
  }

  #forget(realm: RealmOrdinal, op: Stored<'forget'>): ConflictWhat | undefined {
    const { digest, handle, tombstoneOf } = op
    const conflict = this.tokens.forget(realm, op)
    if (conflict !== undefined) return conflict
    this.#statements.forgetConsumption.run(realm, handle)
    if (tombstoneOf !== null) this.#statements.tombstone.run(realm, digest, tombstoneOf)
    return undefined
  }

  #forgetAudit(realm: RealmOrdinal, op: Stored<'unaudit'>): undefined {
    const rows = this.#statements.audits.all(logId(realm, op.fromSeq), logId(realm, op.throughSeq))
    for (const { id, audit } of rows)
      this.#statements.forgetAudit.run(sha256(audit as Uint8Array), id as number)
  }

  #trim(realm: RealmOrdinal, op: Stored<'trim'>): ConflictWhat | undefined {
    const statements = this.#statements
    if (op.throughSeq >= this.head(realm).seq) return 'record-changed'
    const last = statements.chainAt.get(logId(realm, op.throughSeq))
    if (last !== undefined) {
      for (const seq of op.keep) statements.keep.run(logId(realm, seq))
      statements.trim.run(logId(realm, 0), logId(realm, op.throughSeq))
      statements.anchor.run(realm, op.throughSeq, last.chain as Uint8Array)
    }
    for (const seq of op.forget) statements.unkeep.run(logId(realm, seq))
    return undefined
  }

  #version(realm: RealmOrdinal, collection: string, id: string): number {
    const row = this.#statements.version.get(realm, collection, id)
    return row === undefined ? 0 : Number(row.version)
  }
}

type Statements = Readonly<Record<keyof ReturnType<typeof sql>, StatementSync>>

function prepare(db: DatabaseSync): Statements {
  const texts = sql()
  const made = Object.entries(texts).map(([name, text]) => [name, db.prepare(text)] as const)
  // The keys are those of `sql()`, which Object.fromEntries cannot express.
  return Object.fromEntries(made) as Statements
}

function sql() {
  return {
    head: 'SELECT id, chain FROM log WHERE id > ? AND id < ? ORDER BY id DESC LIMIT 1',
    append: 'INSERT INTO log (id, at, kind, rule, audit, chain) VALUES (?, ?, ?, ?, ?, ?)',
    audits: 'SELECT id, audit FROM log WHERE id BETWEEN ? AND ? AND audit IS NOT NULL',
    forgetAudit: 'UPDATE log SET audit = NULL, audit_hash = ? WHERE id = ?',
    chainAt: 'SELECT chain FROM log WHERE id = ?',
    keep: 'INSERT INTO log_kept SELECT id, at, kind, rule FROM log WHERE id = ? ON CONFLICT DO NOTHING',
    trim: 'DELETE FROM log WHERE id > ? AND id <= ?',
    anchor: `INSERT INTO log_anchor (realm, seq, chain) VALUES (?, ?, ?)
      ON CONFLICT DO UPDATE SET seq = excluded.seq, chain = excluded.chain`,
    unkeep: 'DELETE FROM log_kept WHERE id = ?',
    consume: 'INSERT INTO consumption (realm, handle, sealed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    forgetConsumption: 'DELETE FROM consumption WHERE realm = ? AND handle = ?',
    tombstone: 'INSERT INTO tombstone (realm, digest, source) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    version: `SELECT ${versionColumn()} AS version FROM record WHERE realm = ? AND collection = ? AND id = ?`,
    putRecord: `INSERT INTO record (realm, collection, id, version, body) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO UPDATE SET version = excluded.version, body = excluded.body`,
    removeRecord: `UPDATE record SET body = NULL, version = ?
      WHERE realm = ? AND collection = ? AND id = ? AND ${versionColumn()} = ? AND body IS NOT NULL`,
    freeKeys: 'DELETE FROM record_key WHERE realm = ? AND collection = ? AND id = ?',
    takeKey: `INSERT INTO record_key (realm, collection, name, value, id) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    freeLists: 'DELETE FROM record_list WHERE realm = ? AND collection = ? AND id = ?',
    list: `INSERT INTO record_list (realm, collection, name, value, id) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT DO NOTHING`,
    putMemo: `INSERT INTO memo (realm, kind, id, value, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
      ON CONFLICT DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
      WHERE ?6 IS NULL OR expires_at <= ?6`,
    dropMemo: `DELETE FROM memo WHERE realm = ? AND kind = ? AND id = ?
      AND expires_at = coalesce(?, expires_at)`,
  }
}
