import { ByteReader, ByteWriter } from './bytes.ts'
import { ContractBroken, unreachable } from './faults.ts'
import { grantId, handleBits, handleFromBytes, tokenDigest } from './ids.ts'
import { handleKeyOf } from './index-keys.ts'
import type { Position } from './position.ts'
import type { Principals } from './records.ts'
import { CUT_SHAPES, type CutTarget, type LogRow, ROW_KIND, type Rule, type Target } from './rules.ts'

/**
 * Rule bytes, version 1: `u8 version`, then by row kind. They are what the hash chain covers and what verifiers get,
 * so a change of meaning takes a new version byte and leaves this one readable.
 */
const VERSION = 1
const TARGET = { token: 1, foreign: 2, grant: 3, session: 4, key: 5, cut: 6 } as const
/** Flags of a cut-off. */
const CUT_DATED = 1
const CUT_AUTHENTICATED = 2
const CUT_AS_OF = 4
const CUT_FLAGS_MAX = CUT_DATED | CUT_AUTHENTICATED | CUT_AS_OF
const DIGEST_BYTES = 32
const HANDLE_BYTES = 16
const KEY_BYTES = 16
/** Where a revocation of one token keeps what folding needs: the digest (its first half is a key) and the handle's key. */
const TOKEN_TARGET_AT = 9
const TOKEN_DIGEST_AT = TOKEN_TARGET_AT + 1
const TOKEN_HANDLE_KEY_AT = TOKEN_DIGEST_AT + DIGEST_BYTES + HANDLE_BYTES
/** Up to the length of the source's text, which comes last. */
const TOKEN_RULE_MIN_BYTES = TOKEN_HANDLE_KEY_AT + KEY_BYTES + 2

export function encodeRule(rule: Rule, digestKey: string): Buffer {
  const out = new ByteWriter().u8(VERSION)
  switch (rule.kind) {
    case 'revoke':
      out.f64(rule.keepUntilMs)
      encodeTarget(out, rule.target, digestKey)
      break
    case 'hold':
      out.text(rule.id)
      encodeTarget(out, rule.target, digestKey)
      break
    case 'release':
      out.text(rule.id)
      break
    case 'change':
      out.text(rule.collection).text(rule.id).f64(rule.version)
      break
    case 'epoch':
      out.u32(rule.ordinal).text(rule.epochId).f64(rule.lostBelow)
      break
    default:
      return unreachable(rule)
  }
  return out.bytes()
}

/** @throws ContractBroken on an unknown kind or version: a reader must stop there, never skip it. */
export function decodeRule(row: Pick<LogRow, 'kind' | 'rule'>): Rule {
  const from = new ByteReader(row.rule)
  const version = from.u8()
  if (version !== VERSION) throw new ContractBroken(`rule bytes of an unknown version (${version})`)
  const rule = decodeBody(row.kind, from)
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
  if (kind !== ROW_KIND.revoke || rule[0] !== VERSION || rule[TOKEN_TARGET_AT] !== TARGET.token)
    return undefined
  if (rule.length < TOKEN_RULE_MIN_BYTES) throw new ContractBroken('stored bytes end early')
  for (let at = 0; at < 8; at += 1) doubleBytes[at] = rule[1 + at] as number
  return {
    keepUntilMs: doubleView.getFloat64(0),
    digestAt: TOKEN_DIGEST_AT,
    handleKeyAt: TOKEN_HANDLE_KEY_AT,
  }
}

/** One view for all: making a view a row costs more than reading it. */
const doubleBytes = new Uint8Array(8)
const doubleView = new DataView(doubleBytes.buffer)

function decodeBody(kind: number, from: ByteReader): Rule {
  switch (kind) {
    case ROW_KIND.revoke: {
      const keepUntilMs = from.f64()
      return { kind: 'revoke', keepUntilMs, target: decodeTarget(from) }
    }
    case ROW_KIND.hold: {
      const id = from.text()
      return { kind: 'hold', id, target: decodeTarget(from) }
    }
    case ROW_KIND.release:
      return { kind: 'release', id: from.text() }
    case ROW_KIND.change:
      return { kind: 'change', collection: from.text(), id: from.text(), version: from.f64() }
    case ROW_KIND.epoch:
      return { kind: 'epoch', ordinal: from.u32(), epochId: from.text(), lostBelow: from.f64() as Position }
    default:
      throw new ContractBroken(`a log row of an unknown kind (${kind})`)
  }
}

function encodeTarget(out: ByteWriter, target: Target, digestKey: string): void {
  out.u8(TARGET[target.kind])
  switch (target.kind) {
    case 'token':
      out
        .fixedText(target.digest, DIGEST_BYTES, 'base64url')
        .fixedText(handleBits(target.handle), HANDLE_BYTES, 'base64url')
        .fixedText(handleKeyOf(digestKey, target.source, target.handle), KEY_BYTES, 'latin1')
        .text(target.source)
      return
    case 'foreign':
      out.text(target.issuer).text(target.jti)
      return
    case 'grant':
      out.text(target.source).text(target.grant)
      return
    case 'session':
      out.text(target.source).text(target.session)
      return
    case 'key':
      out.text(target.keyId)
      return
    case 'cut':
      encodeCut(out, target)
      return
    default:
      unreachable(target)
  }
}

function encodeCut(out: ByteWriter, target: CutTarget): void {
  const { source, subject, client, tenant } = target.principals
  out.u8(CUT_SHAPES.indexOf(target.shape)).text(source)
  out.optional(subject).optional(client).optional(tenant)
  const dated = target.issuedBeforeMs === undefined ? 0 : CUT_DATED
  const authenticated = target.basis === undefined ? 0 : CUT_AUTHENTICATED
  out.u8(dated | authenticated | (target.asOf === undefined ? 0 : CUT_AS_OF))
  if (target.issuedBeforeMs !== undefined) out.f64(target.issuedBeforeMs)
  if (target.asOf !== undefined) out.f64(target.asOf.at).f64(target.asOf.atMs)
}

function decodeTarget(from: ByteReader): Target {
  const kind = from.u8()
  switch (kind) {
    case TARGET.token: {
      const digest = tokenDigest(from.fixed(DIGEST_BYTES).toString('base64url'))
      const handle = handleFromBytes(from.fixed(HANDLE_BYTES))
      from.fixed(KEY_BYTES)
      return { kind: 'token', digest, handle, source: from.text() }
    }
    case TARGET.foreign:
      return { kind: 'foreign', issuer: from.text(), jti: from.text() }
    case TARGET.grant:
      return { kind: 'grant', source: from.text(), grant: grantId(from.text()) }
    case TARGET.session:
      return { kind: 'session', source: from.text(), session: from.text() }
    case TARGET.key:
      return { kind: 'key', keyId: from.text() }
    case TARGET.cut:
      return decodeCut(from)
    default:
      throw new ContractBroken(`a rule with an unknown target (${kind})`)
  }
}

function decodeCut(from: ByteReader): CutTarget {
  const shape = CUT_SHAPES[from.u8()]
  if (shape === undefined) throw new ContractBroken('a cut-off of an unknown shape')
  const source = from.text()
  const [subject, client, tenant] = [from.optional(), from.optional(), from.optional()]
  const principals: Principals = {
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
  }
  const flags = from.u8()
  if (flags > CUT_FLAGS_MAX) throw new ContractBroken(`a cut-off with unknown flags (${flags})`)
  return {
    kind: 'cut',
    shape,
    principals,
    ...((flags & CUT_DATED) === 0 ? {} : { issuedBeforeMs: from.f64() }),
    ...((flags & CUT_AUTHENTICATED) === 0 ? {} : { basis: 'authenticated' as const }),
    ...((flags & CUT_AS_OF) === 0 ? {} : { asOf: { at: from.f64() as Position, atMs: from.f64() } }),
  }
}
