export { type Awaitable, after } from './awaitable.ts'
export { ByteReader, ByteWriter } from './bytes/bytes.ts'
export { sextetsAt } from './bytes/sextets.ts'
export { isShownName, shownText } from './bytes/shown-text.ts'
export {
  isObject,
  type Json,
  type JsonObject,
  parseJsonPassingOver,
  parseStrictFile,
  parseStrictJson,
  parseStrictObject,
} from './bytes/strict-json.ts'
export { decodeUtf8, withoutBom } from './bytes/strict-text.ts'
export { hmacSha1, hmacSha256, sameDigest, secretDigest, sha256, sha256Base64url } from './crypto/digests.ts'
export type { KeyMembers, SignatureAlgorithm } from './crypto/signatures.ts'
export {
  ContractBroken,
  isOutage,
  NotReadable,
  Overloaded,
  RealmOutOfOrder,
  SettingsRefused,
  StoreRefused,
  StoreUnavailable,
  unreachable,
} from './faults.ts'
export {
  beginnerOf,
  DEFAULT_REALM,
  type GrantId,
  grantId,
  grantOf,
  type Handle,
  mintHandle,
  parseHandle,
  parseRealmName,
  type RealmName,
  type RealmOrdinal,
  realmOrdinal,
  SYSTEM_REALM,
  type TokenDigest,
  tokenDigest,
} from './ids.ts'
export {
  ASSIGNED_LIFETIME_MAX_MS,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  keptPast,
  LAST_INSTANT_MS,
  LIFETIME_MAX_MS,
} from './lifetimes.ts'
export { type Place, parsePosition, positionOf, positionText, readPosition } from './log/checkpoint-text.ts'
export { cutKeyOf, type IndexKey, keysOfThing } from './log/index-keys.ts'
export { standingOf } from './log/lineage.ts'
export { CHAIN_START, type ChainedRow, chainAfter } from './log/log-chain.ts'
export {
  isRowKind,
  ROW_KIND_NAMES,
  ROW_KINDS,
  type RowKind,
  rowKindOf,
  rowKindOfCode,
  traitsOf,
} from './log/row-kinds.ts'
export { decodeRule, encodeRule, keepInBytes, settleKeep, tokenRuleKeys } from './log/rule-bytes.ts'
export {
  type ChainedLogRow,
  type ChangeRule,
  CUT_SHAPES,
  type CutAsOf,
  type CutShape,
  type CutTarget,
  type HoldRule,
  type LogRow,
  type ReleaseRule,
  type RevokeRule,
  type Rule,
  type Target,
  THING_CODE,
  type ThingTarget,
  type TokenTarget,
} from './log/rules.ts'
export {
  BEYOND_LOGS,
  ORDINAL_MAX,
  ORIGIN,
  ordinalOf,
  type Position,
  position,
  SEQ_MAX,
  seqOf,
} from './position.ts'
export type { Clock, Random } from './random.ts'
export {
  ANCESTORS_MAX,
  type Ancestor,
  type Delegation,
  type ForeignFacts,
  isSought,
  type Principals,
  type Source,
  type TokenFacts,
  type TokenIds,
  type TokenRecord,
  type TokensSought,
} from './records.ts'
export { feedEventJson, readFeedEvent } from './replica/feed-wire.ts'
export { type FeedEvent, Replica, turnsVerdicts } from './replica/replica.ts'
export { decodeSnapshot, encodeSnapshot, type Snapshot, SnapshotWriter } from './replica/snapshot.ts'
export { type Cut, cutHits } from './revocations/cutoff-table.ts'
export { foreignIsBefore, type Hold } from './revocations/hold-table.ts'
export {
  KeyTable,
  keepUntilOf,
  keptBeyondOf,
  PARTITIONS,
  partitionOfBytes,
  partitionOfKey,
} from './revocations/key-table.ts'
export type { LegacyKeep } from './revocations/legacy-keep.ts'
export { cutCount, RevocationIndex } from './revocations/revocation-index.ts'
export {
  confirmationOf,
  credentialOf,
  credentialOfClaims,
  kindOf,
  LIMITED_CLIENT,
  SETUP_SCOPE,
} from './tokens/credential.ts'
export {
  type ClaimMap,
  claimedJti,
  type ForeignIssuer,
  type ForeignRead,
  type ForeignRefused,
  foreignKeys,
  foreignSource,
  readForeign,
} from './tokens/foreign.ts'
export { FOREIGN_TYPES } from './tokens/foreign-kind.ts'
export { joseForm, payloadOf } from './tokens/jose-text.ts'
export {
  exportPublicJwk,
  exportVerificationJwk,
  importJwks,
  importPrivateJwk,
  importPublicJwk,
  isCanonicalBase64url,
  KEYS_MAX,
  SIGNATURE_ALGORITHMS,
  type SigningKey,
  thumbprint,
  type VerificationKey,
} from './tokens/jwk.ts'
export {
  audienceOf,
  candidateKeys,
  numericDateMs,
  type ParsedJws,
  parseJws,
  signJws,
  verifyJws,
} from './tokens/jwt.ts'
export {
  CREDENTIAL_KINDS,
  type CredentialKind,
  isCredentialKind,
  isUsableKind,
  SINGLE_USE,
  type TokenKind,
} from './tokens/kinds.ts'
export { JWS_MAX_CHARS, RawToken, type TextRefused, TOKEN_MAX_BYTES } from './tokens/raw-token.ts'
export { ACCESS_TOKEN_TYP, factsOfClaims, judgingClaims } from './tokens/signed-claims.ts'
export { type Admission, ANY_ACCESS, admit, type Credential, type Demand } from './verdict/admit.ts'
export { ancestorOf, ancestorsFrom, isWhole, withWholeAncestors } from './verdict/ancestry.ts'
export { APP_CREDENTIAL, delegationOf, type GuardedAct, mayDelegated } from './verdict/delegation.ts'
export { CLOCK_STEP_MS, type ClockReading, Floor } from './verdict/floor.ts'
export { Freshness } from './verdict/freshness.ts'
export {
  freesText,
  INACTIVE_WHYS,
  type InactiveWhy,
  isByRule,
  isEndedByRule,
  isOver,
  isSuspended,
  UNKNOWN_WHYS,
  type UnknownWhy,
  type Verdict,
} from './verdict/reasons.ts'
export {
  isHeld,
  isMintingHeld,
  isRevoked,
  judge,
  type Lag,
  type Question,
  type Spent,
  UNKNOWN_TOKEN,
} from './verdict/verdict.ts'
