import { ByteReader, ByteWriter } from './bytes.ts'
import { ContractBroken } from './faults.ts'
import { storedKeepMs } from './lifetimes.ts'
import { ROW_KINDS, rowKindOf, traitsOf } from './log/row-kinds.ts'
import {
  TOKEN_CODE,
  TOKEN_DIGEST_AT,
  TOKEN_HANDLE_KEY_AT,
  TOKEN_TARGET_MIN_BYTES,
} from './log/target-bytes.ts'
import type { LogRow, Rule } from './rules.ts'

/**
 * Rule bytes, version 1: `u8 version`, then by row kind. They are what the hash chain covers and what verifiers get,
 * so a change of meaning takes a new version byte and leaves this one readable.
 */
const VERSION = 1
const REVOKE: number = ROW_KINDS.revoke.code
/** Behind the version and the keep of a revocation. */
const TARGET_AT = 9

export function encodeRule(rule: Rule, digestKey: string): Buffer {
  const out = new ByteWriter().u8(VERSION)
  traitsOf(rule).encode(out, rule, digestKey)
  return out.bytes()
}

/** @throws ContractBroken on an unknown kind or version: a reader must stop there, never skip it. */
export function decodeRule(row: Pick<LogRow, 'kind' | 'rule'>): Rule {
  const from = new ByteReader(row.rule)
  const version = from.u8()
  if (version !== VERSION) throw new ContractBroken(`rule bytes of an unknown version (${version})`)
  const rule = ROW_KINDS[rowKindOf(row)].decode(from)
  from.end()
  return rule
}

export type TokenRuleKeys = {
  readonly keepUntilMs: number
  readonly digestAt: number
  readonly handleKeyAt: number
}

/**
 * The index keys inside a revocation of one token, without decoding it: start-up folds a million such rows, and
 * computing a handle's key costs more than all the rest of it.
 */
export function tokenRuleKeys({ kind, rule }: Pick<LogRow, 'kind' | 'rule'>): TokenRuleKeys | undefined {
  if (kind !== REVOKE || rule[0] !== VERSION || rule[TARGET_AT] !== TOKEN_CODE) return undefined
  // What is folded is what can be read: the source's text, of which folding needs nothing, has to be there, too.
  const end = TARGET_AT + TOKEN_TARGET_MIN_BYTES
  if (rule.length < end) throw new ContractBroken('stored bytes end early')
  if (rule.length !== end + (((rule[end - 2] as number) << 8) | (rule[end - 1] as number)))
    throw new ContractBroken('stored bytes are not as long as their meaning')
  for (let at = 0; at < 8; at += 1) doubleBytes[at] = rule[1 + at] as number
  return {
    keepUntilMs: storedKeepMs(doubleView.getFloat64(0)),
    digestAt: TARGET_AT + TOKEN_DIGEST_AT,
    handleKeyAt: TARGET_AT + TOKEN_HANDLE_KEY_AT,
  }
}

/** One view for all: making a view a row costs more than reading it. */
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)
