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
export { actRow, type Deletion, deleteRecord, type Put, putRecord } from './change.ts'
export { commitOwn } from './commit-own.ts'
export { covers } from './covers.ts'
export { hmacSha1, hmacSha256, sameDigest, secretDigest, sha256, sha256Base64url } from './crypto/digests.ts'
export type { KeyMembers, SignatureAlgorithm, SignatureKey } from './crypto/signatures.ts'
export {
  type Collection,
  Directory,
  type DirectoryPage,
  type DirectoryPageAsk,
  type Entry,
  type Standing as RecordStanding,
} from './directory.ts'
export { adviceOn, Disorder, type Unreadable, type UnreadableKind } from './disorder.ts'
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
export { collectExpired, collectMemos, GC_BATCH_MAX } from './gc.ts'
export { GROUP_MAX, GroupCommit, ISSUE_QUEUE_MAX, REVOKE_QUEUE_MAX } from './group-commit.ts'
export {
  type Brand,
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
export type { Differences } from './index-compare.ts'
export { IndexDiffer } from './index-differ.ts'
export {
  type IssueAct,
  type Issued,
  issueTokens,
  type OverQuota,
  putToken,
  recordOf,
  type TokenIntent,
} from './issue.ts'
export { ISSUER_TERMS, type IssuerTerms } from './issuer-terms.ts'
export {
  ISSUERS,
  type IssuerValue,
  isOfRegisteredIssuer,
  issuerId,
  issuerOfSource,
  unmappedIn,
} from './issuers.ts'
export { expiryCeiling, SKEW_MAX_SECONDS } from './keeping.ts'
export {
  coverLife,
  type KeyAct,
  type KeyChange,
  needActiveKey,
  needKeys,
  publishedKeys,
  revokeSigningKey,
  rotateDueKeys,
  rotateSigningKey,
  signingKeys,
} from './key-rotation.ts'
export {
  type GroupListener,
  Ledger,
  type Outcome,
  type Publication,
  type PublishedRow,
  type Suspension,
} from './ledger.ts'
export {
  ASSIGNED_LIFETIME_MAX_MS,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  LAST_INSTANT_MS,
  LIFETIME_MAX_MS,
} from './lifetimes.ts'
export { type Place, parsePosition, positionOf, positionText, readPosition } from './log/checkpoint-text.ts'
export { type Epoch, type Standing, standingOf } from './log/lineage.ts'
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
export { decodeRule, encodeRule } from './log/rule-bytes.ts'
export type {
  ChainedLogRow,
  ChangeRule,
  CutAsOf,
  CutShape,
  CutTarget,
  HoldRule,
  LogRow,
  ReleaseRule,
  RevokeRule,
  Rule,
  Target,
} from './log/rules.ts'
export { isStoredTarget } from './log/stored-target.ts'
export { ANCHOR_MEMO, anchorStands, keptRows } from './log-anchor.ts'
export { type ChainChecked, type KnownPlace, LogCheck, type LogFault } from './log-check.ts'
export { LogTrim, TRIM_AGE_MIN_MS } from './log-trim.ts'
export type {
  ClientTokensAsk,
  Consumption,
  Defer,
  DirectoryRecord,
  EndingAsk,
  EndingPage,
  EndingPlace,
  ExpiredMemo,
  ExpiredToken,
  IssuingQuota,
  MemoPage,
  MemosAsk,
  RecordKeyAsk,
  RecordPage,
  RecordsAsk,
  RecordsCounted,
  RecordsCountedAsk,
  RecordsListedAsk,
  Store,
  TokenPage,
  TokensAsk,
  TombstonesAsk,
} from './ports.ts'
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
export { makePrivateMembers } from './private-keys.ts'
export type { Clock, Random } from './random.ts'
export {
  type Audit,
  type Caller,
  type Cause,
  callerFacts,
  type Found,
  type FreeText,
  Realm,
  type RealmParts,
  whoOf,
} from './realm.ts'
export {
  type MasterKey,
  makeRealmKeys,
  opensKeys,
  type RealmKeys,
  sealTokenText,
  unsealTokenText,
  unwrapRealmKeys,
  wrapRealmKeys,
} from './realm-keys.ts'
export { type RealmView, readRealmValue } from './realm-record.ts'
export {
  assignedMaxSeconds,
  DEFAULT_REALM_SETTINGS,
  Lifetimes,
  REALM_SETTINGS,
  REALM_SETTINGS_ID,
  type RealmSettings,
} from './realm-settings.ts'
export { Realms, type RealmsAct, type RealmsParts } from './realms.ts'
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
export {
  type Applied,
  type FeedEvent,
  type Loaded,
  Replica,
  type ResyncWhy,
  turnsVerdicts,
} from './replica/replica.ts'
export { decodeSnapshot, encodeSnapshot, type Snapshot, SnapshotWriter } from './replica/snapshot.ts'
export { type Cut, cutHits } from './revocations/cutoff-table.ts'
export { RevocationIndex } from './revocations/revocation-index.ts'
export {
  cutRule,
  type EndedBy,
  endedByCut,
  type RevokeAct,
  type Revoked,
  revokeAll,
  revokeGrant,
  revokePrincipals,
  revokeToken,
  rowsOf,
  ruleOn,
  tokenRule,
} from './revoke.ts'
export { seal, subkey, unseal } from './sealing.ts'
export { type ActiveKey, SIGNING_KEYS, type SigningKeyState, type SigningKeyValue } from './signing-keys.ts'
export {
  type IsValue,
  isMembers,
  type Members,
  readObject,
  readValue,
  STRANGE,
  shaped,
} from './stored-json.ts'
export { changePrefixes, type PrefixChange, TOKEN_PREFIXES, TOKEN_PREFIXES_ID } from './token-prefixes.ts'
export {
  checksum,
  mintText,
  PREFIX,
  type Prefixes,
  type PrefixKind,
  prefixProblem,
  type Shape,
  TokenGrammar,
} from './token-text.ts'
export {
  confirmationOf,
  credentialOf,
  credentialOfClaims,
  kindOf,
  LIMITED_CLIENT,
  SETUP_SCOPE,
  scopesIn,
  scopesOfClaims,
} from './tokens/credential.ts'
export {
  type ClaimMap,
  claimedJti,
  type ForeignIssuer,
  type ForeignQuestion,
  type ForeignRead,
  type ForeignRefused,
  foreignKeys,
  foreignSource,
  readForeign,
} from './tokens/foreign.ts'
export { FOREIGN_TYPES, type ForeignType } from './tokens/foreign-kind.ts'
export { joseForm } from './tokens/jose-text.ts'
export {
  algorithmNamed,
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
export type {
  ConflictWhat,
  Expectation,
  ForgottenToken,
  Group,
  GroupOutcome,
  LogHead,
  Memo,
  MemoName,
  NewRecord,
  NewRow,
  Operation,
  RecordKey,
  TrimLog,
  Unit,
  UnitOutcome,
} from './units.ts'
export { type Admission, ANY_ACCESS, admit, type Credential, type Demand } from './verdict/admit.ts'
export { ancestorOf, ancestorsFrom, isWhole, withWholeAncestors } from './verdict/ancestry.ts'
export { APP_CREDENTIAL, delegationOf, type GuardedAct, mayDelegated } from './verdict/delegation.ts'
export { type ClockReading, Floor } from './verdict/floor.ts'
export { Freshness, type Proof } from './verdict/freshness.ts'
export {
  freesText,
  INACTIVE_WHYS,
  type InactiveWhy,
  isByRule,
  isEndedByRule,
  isInactiveWhy,
  isOver,
  isSuspended,
  UNKNOWN_WHYS,
  type UnknownWhy,
  type Verdict,
} from './verdict/reasons.ts'
export { isMintingHeld, isRevoked, judge, type Lag, type Question } from './verdict/verdict.ts'
