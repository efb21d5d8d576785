export { after } from './awaitable.ts'
export { ByteReader, ByteWriter } from './bytes.ts'
export { deleteRecord, putRecord, type Deletion, type Put } from './change.ts'
export { covers } from './covers.ts'
export { hmacSha256, seal, secretsEqual, sha256, sha256Base64url, subkey, unseal } from './crypto.ts'
export { Directory, type Collection, type Entry, type Standing as RecordStanding } from './directory.ts'
export { cutHits, type Cut } from './cut-table.ts'
export {
  ContractBroken,
  isOutage,
  Overloaded,
  SettingsRefused,
  StoreRefused,
  StoreUnavailable,
  unreachable,
} from './faults.ts'
export { Floor, type ClockReading } from './floor.ts'
export { GROUP_MAX, GroupCommit, ISSUE_QUEUE_MAX, REVOKE_QUEUE_MAX } from './group-commit.ts'
export {
  DEFAULT_REALM,
  grantId,
  grantOf,
  mintHandle,
  parseHandle,
  parseRealmName,
  realmOrdinal,
  SYSTEM_REALM,
  tokenDigest,
  type Brand,
  type GrantId,
  type Handle,
  type RealmName,
  type RealmOrdinal,
  type TokenDigest,
} from './ids.ts'
export { issueTokens, putToken, recordOf, type IssueAct, type Issued, type TokenIntent } from './issue.ts'
export { Ledger, type Outcome } from './ledger.ts'
export {
  ASSIGNED_LIFETIME_MAX_MS,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  LAST_INSTANT_MS,
  LIFETIME_MAX_MS,
} from './lifetimes.ts'
export { CHAIN_START, chainAfter, type ChainedRow } from './log-chain.ts'
export type {
  Awaitable,
  ClientTokensAsk,
  Clock,
  Consumption,
  Defer,
  DirectoryRecord,
  ExpiredToken,
  LogHead,
  Random,
  RecordKeyAsk,
  RecordPage,
  RecordsAsk,
  Store,
  TokenPage,
} from './ports.ts'
export { ORIGIN, ordinalOf, position, seqOf, type Position } from './position.ts'
export { RawToken, TOKEN_MAX_BYTES } from './raw-token.ts'
export {
  callerFacts,
  Realm,
  type Audit,
  type Caller,
  type Found,
  type RealmParts,
} from './realm.ts'
export {
  makeRealmKeys,
  sealTokenText,
  unsealTokenText,
  unwrapRealmKeys,
  wrapRealmKeys,
  type MasterKey,
  type RealmKeys,
} from './realm-keys.ts'
export { Realms, type RealmsParts } from './realms.ts'
export {
  ANCESTORS_MAX,
  SINGLE_USE,
  type Ancestor,
  type Principals,
  type Source,
  type TokenFacts,
  type TokenKind,
  type TokenRecord,
} from './records.ts'
export { RevocationIndex } from './revocation-index.ts'
export {
  cutRule,
  endedByCut,
  revokeGrant,
  revokePrincipals,
  revokeToken,
  type EndedBy,
  type RevokeAct,
  type Revoked,
} from './revoke.ts'
export { decodeRule, encodeRule } from './rule-bytes.ts'
export { ROW_KIND, type CutShape, type CutTarget, type LogRow, type RevokeRule, type Rule, type Target } from './rules.ts'
export { checksum, mintText, PREFIX, shapeOf, type Prefix, type Shape } from './token-text.ts'
export type {
  ConflictWhat,
  Expectation,
  ForgottenToken,
  Group,
  GroupOutcome,
  NewRecord,
  NewRow,
  Operation,
  RecordKey,
  Unit,
  UnitOutcome,
} from './units.ts'
export { isRevoked, judge, type InactiveWhy, type Lag, type Question, type UnknownWhy, type Verdict } from './verdict.ts'
