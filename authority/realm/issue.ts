import {
  ANCESTORS_MAX,
  type Ancestor,
  ContractBroken,
  type Delegation,
  type GrantId,
  grantOf,
  isMintingHeld,
  mintHandle,
  type Position,
  type Principals,
  type TokenRecord,
} from '@rescind/core'
import type { RawToken, TokenKind } from '@rescind/core/tokens'
import type { Expectation, Operation } from '../log/writes.ts'
import type { Caller, Realm } from './realm.ts'
import { sealTokenText } from './realm-keys.ts'
import { signedDigest } from './signed-tokens.ts'

/** A token to be minted. Without `grant` it starts its own. */
export type TokenIntent = Principals & {
  readonly raw: RawToken
  readonly kind: TokenKind
  readonly expiresAtMs: number
  readonly handle?: TokenRecord['handle']
  readonly grant?: GrantId
  readonly session?: string
  /** The key that signed its text; such a token is known by its handle, which the text must contain. */
  readonly keyId?: string
  readonly ancestors?: readonly Ancestor[]
  readonly scope?: string
  readonly audience?: readonly string[]
  readonly authenticatedBy?: readonly string[]
  readonly mintedBy?: string
  readonly delegated?: Delegation
  readonly claims?: Readonly<Record<string, unknown>>
  /** Stores the text, sealed; only for dialects that must return it. */
  readonly sealText?: boolean
}

export type IssueAct = {
  /** The position at which everything below was judged. */
  readonly judgedAt: Position
  readonly caller: Caller
  readonly tokens: readonly TokenIntent[]
  /** A single-use token that this issue consumes. */
  readonly consume?: TokenRecord
  /** What is stored, sealed, beside the consumed token. */
  readonly consumeSealed?: Uint8Array
  /** Directory records that must still have the version at which they were judged. */
  readonly expects?: readonly Expectation[]
  /** More operations for the same write, such as a directory change. */
  readonly also?: readonly Operation[]
}

export type Issued =
  | { readonly kind: 'issued'; readonly records: readonly TokenRecord[] }
  /** Something that it depends on was revoked meanwhile: judge again. */
  | { readonly kind: 'stale' }
  /** Another request already used what one use ends: a token, or what an expiring entry stands for. */
  | { readonly kind: 'consumed' }
  /** A hold forbids minting for these principals until it is released. */
  | { readonly kind: 'held' }
  /** The derivation needs more ancestors than a record holds. */
  | { readonly kind: 'too-deep' }
  /** The text is already a token. */
  | { readonly kind: 'token-exists' }
  | OverQuota

/** The caller has issued more than it may. */
export type OverQuota = { readonly kind: 'over-quota'; readonly waitSeconds: number }

/** Mints tokens in one write. What was judged at `judgedAt` must still hold when the write commits. */
export async function issueTokens(realm: Realm, act: IssueAct): Promise<Issued> {
  if (realm.settling !== undefined) await realm.settling
  const nowMs = realm.nowMs()
  if (realm.isClosed) return { kind: 'held' }
  if (act.tokens.some((intent) => isMintingHeld(intent, realm.index))) return { kind: 'held' }
  // Callers stay within the maximum, so it was lowered after they read it.
  if (act.tokens.some((intent) => realm.lifetimes.within(intent.expiresAtMs, nowMs) < intent.expiresAtMs))
    return { kind: 'stale' }
  if (act.tokens.some(({ ancestors }) => (ancestors?.length ?? 0) > ANCESTORS_MAX))
    return { kind: 'too-deep' }
  const waitSeconds = realm.issuingWaitSeconds(act.caller)
  if (waitSeconds > 0) return { kind: 'over-quota', waitSeconds }
  const records = act.tokens.map((intent) =>
    recordOf(realm, intent, { position: act.judgedAt, issuedAtMs: nowMs }),
  )
  const outcome = await realm.commit({
    realm: realm.ordinal,
    dependsOn: dependencies(realm, act, records),
    expects: act.expects ?? [],
    operations: operationsOf(act, records),
  })
  if (outcome.kind === 'applied') {
    realm.noteIssued(act.caller)
    return { kind: 'issued', records }
  }
  if (outcome.kind === 'stale') return outcome
  switch (outcome.what) {
    case 'consumed':
    case 'expiring-exists':
      return { kind: 'consumed' }
    case 'token-exists':
      return { kind: 'token-exists' }
    case 'token-missing':
    case 'record-changed':
    case 'key-taken':
      // A record that the write read has changed: judge again.
      return { kind: 'stale' }
  }
}

export type IssuedAt = { readonly position: Position; readonly issuedAtMs: number }

/** @throws ContractBroken for a kind that no dialect mints under this source: a bug. */
export function recordOf(realm: Realm, intent: TokenIntent, at: IssuedAt): TokenRecord {
  if (!realm.minting.mints(intent.source, intent.kind))
    throw new ContractBroken(`${intent.kind} is no kind of token of ${intent.source}`)
  const { raw, sealText, grant, handle: given, ancestors = [], ...rest } = intent
  const handle = given ?? mintHandle(realm.random)
  const { digestKey } = realm.keys
  const digest = intent.keyId === undefined ? raw.knownBy(digestKey) : signedDigest(digestKey, handle)
  const expiresAtMs = Math.min(intent.expiresAtMs, ...ancestors.map((up) => up.expiresAtMs))
  const named = { digest, handle, grant: grant ?? grantOf(handle), ancestors, expiresAtMs }
  const spelling =
    intent.keyId === undefined && raw.isKnownByName ? { spelling: raw.digest(digestKey) } : undefined
  const record = { ...rest, ...named, ...at, ...spelling }
  if (sealText !== true) return record
  return {
    ...record,
    sealed: sealTokenText(record, { keys: realm.keys, realm: realm.name, raw, random: realm.random }),
  }
}

export function putToken(record: TokenRecord): Operation {
  return { kind: 'put-token', record }
}

function operationsOf({ consume, consumeSealed, also }: IssueAct, records: readonly TokenRecord[]) {
  const operations: Operation[] = []
  if (consume !== undefined)
    operations.push({ kind: 'consume', handle: consume.handle, sealed: consumeSealed })
  for (const record of records) operations.push(putToken(record))
  if (also !== undefined) for (const operation of also) operations.push(operation)
  return operations
}

function dependencies({ ordinal }: Realm, { caller, consume }: IssueAct, records: readonly TokenRecord[]) {
  const dependsOn: Caller['dependency'][] = [caller.dependency]
  for (const facts of records) dependsOn.push({ realm: ordinal, facts })
  if (consume !== undefined) dependsOn.push({ realm: ordinal, facts: consume })
  return dependsOn
}
