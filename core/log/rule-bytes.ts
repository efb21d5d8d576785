import { ByteReader, ByteWriter } from '../bytes/bytes.ts'
import { ContractBroken } from '../faults.ts'
import { storedKeepMs } from '../lifetimes.ts'
import { ROW_KINDS, rowKindOf, traitsOf } from './row-kinds.ts'
import type { LogRow, Rule } from './rules.ts'
import { TOKEN_CODE, TOKEN_DIGEST_AT, TOKEN_HANDLE_KEY_AT, TOKEN_TARGET_MIN_BYTES } from './target-bytes.ts'

/**
 * Rule bytes: `u8 version`, then by row kind. The hash chain covers them and verifiers receive them, so a change of meaning
 * takes a new version byte and leaves the older ones readable.
 *
 * Version 2 is for revocations only: the commit computed the keep, and it counts as it stands. A keep of version 1 was
 * computed earlier, from less; `keptUntilMs` of an index says how long such a rule counts.
 */
const VERSION = 1
const SETTLED_VERSION = 2
const REVOKE: number = ROW_KINDS.revoke.code
/** Where the keep stands: behind a revocation's version byte. */
const KEEP_AT = 1
/** Where the target stands: behind a revocation's version and keep. */
const TARGET_AT = 9

export function encodeRule(rule: Rule, digestKey: string): Buffer {
  const out = new ByteWriter().u8(rule.kind === 'revoke' ? SETTLED_VERSION : VERSION)
  traitsOf(rule).encode(out, rule, digestKey)
  return out.bytes()
}

/** @throws ContractBroken on an unknown kind or version: a reader must stop there, never skip it. */
export function decodeRule(row: Pick<LogRow, 'kind' | 'rule'>): Rule {
  const from = new ByteReader(row.rule)
  const version = from.u8()
  if (version !== VERSION && !(version === SETTLED_VERSION && row.kind === REVOKE))
    throw new ContractBroken(`rule bytes of an unknown version (${version})`)
  const rule = ROW_KINDS[rowKindOf(row)].decode(from)
  from.end()
  return rule
}

/** Whether a revocation's keep dates from before commits computed keeps. */
export function isLegacyKeep({ rule }: Pick<LogRow, 'rule'>): boolean {
  return rule[0] === VERSION
}

/** Writes the keep that a commit computed into a revocation's bytes, before they are chained. */
export function settleKeep(bytes: Uint8Array, keepUntilMs: number): void {
  doubleView.setFloat64(0, keepUntilMs)
  bytes.set(doubleBytes, KEEP_AT)
}

export function keepInBytes(bytes: Uint8Array): number {
  for (let at = 0; at < 8; at += 1) doubleBytes[at] = bytes[KEEP_AT + at] as number
  return doubleView.getFloat64(0)
}

export type TokenRuleKeys = {
  readonly keepUntilMs: number
  readonly digestAt: number
  readonly handleKeyAt: number
}

/**
 * The index keys inside a revocation of one token, read without decoding it: a start folds a million such rows, and
 * computing a handle's key would cost more than everything else.
 */
export function tokenRuleKeys({ kind, rule }: Pick<LogRow, 'kind' | 'rule'>): TokenRuleKeys | undefined {
  if (kind !== REVOKE || rule[TARGET_AT] !== TOKEN_CODE) return undefined
  if (rule[0] !== SETTLED_VERSION && rule[0] !== VERSION) return undefined
  // Folding does not need the source's text, but only rows that can be read are folded, so it must be there.
  const end = TARGET_AT + TOKEN_TARGET_MIN_BYTES
  if (rule.length < end) throw new ContractBroken('stored bytes end early')
  if (rule.length !== end + (((rule[end - 2] as number) << 8) | (rule[end - 1] as number)))
    throw new ContractBroken('stored bytes have the wrong length')
  return {
    keepUntilMs: storedKeepMs(keepInBytes(rule)),
    digestAt: TARGET_AT + TOKEN_DIGEST_AT,
    handleKeyAt: TARGET_AT + TOKEN_HANDLE_KEY_AT,
  }
}

/** One view for all rows: making one per row costs more than reading it. */
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)
