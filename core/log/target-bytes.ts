import type { ByteReader, ByteWriter } from '../bytes/bytes.ts'
import { ContractBroken, unreachable } from '../faults.ts'
import { grantId, handleBits, handleFromBytes, tokenDigest } from '../ids.ts'
import { LAST_INSTANT_MS } from '../lifetimes.ts'
import type { Position } from '../position.ts'
import type { Principals } from '../records.ts'
import { handleKeyOf } from './index-keys.ts'
import { CUTOFF_SHAPE_CODE, CUTOFF_SHAPES, type CutoffTarget, EXACT_CODE, type Target } from './rules.ts'

/** The stored codes of targets. */
const TARGET: Readonly<Record<Target['kind'], number>> = { ...EXACT_CODE, cut: 6 }
/** Flags of a cutoff. */
const CUTOFF_DATED = 1
const CUTOFF_AUTHENTICATED = 2
const CUTOFF_AS_OF = 4
const CUTOFF_FLAGS_MAX = CUTOFF_DATED | CUTOFF_AUTHENTICATED | CUTOFF_AS_OF
const DIGEST_BYTES = 32
const HANDLE_BYTES = 16
const KEY_BYTES = 16
/** Offsets in a token target of what folding needs: the digest (its first half is a key) and the handle's key. */
export const TOKEN_CODE: number = EXACT_CODE.token
export const TOKEN_DIGEST_AT = 1
export const TOKEN_HANDLE_KEY_AT: number = TOKEN_DIGEST_AT + DIGEST_BYTES + HANDLE_BYTES
/** Up to and including the length of the source's text, which comes last. */
export const TOKEN_TARGET_MIN_BYTES: number = TOKEN_HANDLE_KEY_AT + KEY_BYTES + 2

export function encodeTarget(out: ByteWriter, target: Target, digestKey: string): void {
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
      encodeCutoff(out, target)
      return
    default:
      unreachable(target)
  }
}

function encodeCutoff(out: ByteWriter, target: CutoffTarget): void {
  const { source, subject, client, tenant } = target.principals
  out.u8(CUTOFF_SHAPE_CODE[target.shape]).text(source)
  out.optional(subject).optional(client).optional(tenant)
  const dated = target.issuedBeforeMs === undefined ? 0 : CUTOFF_DATED
  const authenticated = target.basis === undefined ? 0 : CUTOFF_AUTHENTICATED
  out.u8(dated | authenticated | (target.asOf === undefined ? 0 : CUTOFF_AS_OF))
  if (target.issuedBeforeMs !== undefined) out.f64(storedInstant(target.issuedBeforeMs))
  if (target.asOf !== undefined) out.f64(target.asOf.at).f64(storedInstant(target.asOf.atMs))
}

/**
 * An instant that every reader can print. A hold from before instants were bounded may name one before 1970; 1970 means
 * the same, because nothing was issued before it. @throws ContractBroken for NaN.
 */
function storedInstant(ms: number): number {
  if (Number.isNaN(ms)) throw new ContractBroken('a rule with an invalid instant')
  return Math.min(Math.max(0, ms), LAST_INSTANT_MS)
}

/**
 * Rows from before instants were bounded may hold one before 1970, which is valid. A value that is not a number is refused:
 * every comparison with it is false, so the cutoff would hit nothing.
 */
function readInstant(from: ByteReader): number {
  const ms = from.f64()
  if (!Number.isFinite(ms)) throw new ContractBroken(`a rule with an invalid instant (${ms})`)
  return ms
}

/** @throws ContractBroken on an unknown target: a reader must stop there, never skip it. */
export function decodeTarget(from: ByteReader): Target {
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
      return decodeCutoff(from)
    default:
      throw new ContractBroken(`a rule with an unknown target (${kind})`)
  }
}

function decodeCutoff(from: ByteReader): CutoffTarget {
  const shape = CUTOFF_SHAPES[from.u8()]
  if (shape === undefined) throw new ContractBroken('a cutoff of an unknown shape')
  const source = from.text()
  const [subject, client, tenant] = [from.optional(), from.optional(), from.optional()]
  const principals: Principals = {
    source,
    ...(subject === undefined ? {} : { subject }),
    ...(client === undefined ? {} : { client }),
    ...(tenant === undefined ? {} : { tenant }),
  }
  const flags = from.u8()
  if (flags > CUTOFF_FLAGS_MAX) throw new ContractBroken(`a cutoff with unknown flags (${flags})`)
  return {
    kind: 'cut',
    shape,
    principals,
    ...((flags & CUTOFF_DATED) === 0 ? {} : { issuedBeforeMs: readInstant(from) }),
    ...((flags & CUTOFF_AUTHENTICATED) === 0 ? {} : { basis: 'authenticated' as const }),
    ...((flags & CUTOFF_AS_OF) === 0
      ? {}
      : { asOf: { at: from.f64() as Position, atMs: readInstant(from) } }),
  }
}
