export { actRow, deleteRecord, putRecord } from './directory/change.ts'
export {
  type Collection,
  Directory,
  type Entry,
  type RecordState,
} from './directory/directory.ts'
export { ISSUER_TERMS, type IssuerTerms } from './directory/issuer-terms.ts'
export {
  ISSUERS,
  type IssuerValue,
  isOfRegisteredIssuer,
  issuerId,
  issuerOfSource,
  unmappedIn,
} from './directory/issuers.ts'
export {
  type IsValue,
  isMembers,
  type Members,
  readObject,
  readValue,
  STRANGE,
  shaped,
} from './directory/stored-json.ts'
export { signDetached, verifyDetached } from './keys/detached-jws.ts'
export {
  coverLife,
  type KeyChange,
  needActiveKey,
  needKeys,
  publishedKeys,
  revokeSigningKey,
  rotateDueKeys,
  rotateSigningKey,
  signingKeys,
} from './keys/key-rotation.ts'
export { makePrivateMembers } from './keys/private-keys.ts'
export { seal, subkey, unseal } from './keys/sealing.ts'
export { SIGNING_KEYS, type SigningKeyValue } from './keys/signing-keys.ts'
export { EXPIRING_KINDS, type ExpiringKind, type IdentitySeal, KEY_PURPOSES, storedKind } from './kinds.ts'
export { covers, idsNamed } from './log/covers.ts'
export { dependencyKeys, ownDependencies, rowKeys } from './log/dependency-keys.ts'
export { collectEntries, collectExpired, GC_BATCH_MAX, type Staying } from './log/gc.ts'
export type { Differences } from './log/index-compare.ts'
export { IndexDiffer } from './log/index-differ.ts'
export { keptBySource, SKEW_MAX_SECONDS } from './log/keeping.ts'
export type { Outcome } from './log/ledger-parts.ts'
export { anchorHolds, keptRows } from './log/log-anchor.ts'
export { type ChainChecked, type KnownCheckpoint, LogCheck, type LogFault } from './log/log-check.ts'
export { LogTrim, TRIM_AGE_MIN_MS } from './log/log-trim.ts'
export type { Publication, PublishedRow } from './log/publications.ts'
export { namesOfTargets } from './log/sought-names.ts'
export { isStoredTarget } from './log/stored-target.ts'
export type { FlushTimes } from './log/timed-commit.ts'
export type {
  ConflictWhat,
  Expectation,
  ExpiringEntry,
  ExpiringName,
  FoldedLog,
  Group,
  GroupOutcome,
  LogHead,
  NewRecord,
  NewRow,
  Operation,
  RecordKey,
  TrimLog,
  Write,
  WriteOutcome,
} from './log/writes.ts'
export { UPKEEP } from './log/writes.ts'
export { Acknowledger, type Reading } from './nodes/acknowledge.ts'
export { carriedRow } from './nodes/carried-row.ts'
export { FoldMarks } from './nodes/fold-marks.ts'
export { type Heads, Heartbeat, type Later } from './nodes/heartbeat.ts'
export type { InstanceRow, InstancesRead, PublishedInstance } from './nodes/instance-rows.ts'
export { type FoldMarksOf, type LeaseRow, leaseMs } from './nodes/lease.ts'
export { ACKNOWLEDGE, type Acknowledge, Nodes } from './nodes/nodes.ts'
export type { Beat, GroupCounts, NodesPort, NodesTold, UpkeepTurn } from './nodes/port.ts'
export { StoreClock } from './nodes/store-clock.ts'
export {
  type FoundHead,
  type KnownHead,
  lackingIn,
  type Settling,
  type Situation,
  type TakeoverEvent,
  type TakeoverPort,
  type Testimony,
} from './nodes/takeover.ts'
export type {
  ClientTokensAsk,
  Consumption,
  DirectoryRecord,
  EndingAsk,
  EndingCursor,
  EndingPage,
  ExpiredEntry,
  ExpiredPlace,
  ExpiredToken,
  ExpiringAsk,
  ExpiringPage,
  IssuingQuota,
  KeyedReads,
  NamedTokensAsk,
  RecordKeyAsk,
  RecordPage,
  RecordsAsk,
  RecordsCounted,
  RecordsCountedAsk,
  RecordsListedAsk,
  Store,
  Swept,
  TokenPage,
  TokenReads,
  TokensAsk,
  TombstonesAsk,
  Watched,
} from './ports.ts'
export {
  ACCEPTOR_KINDS,
  type AcceptedName,
  type Acceptor,
  type AcceptorKind,
  type Dropped,
  joined,
  type Note,
  named,
} from './realm/acceptances.ts'
export { checkpointKeyOf } from './realm/checkpoint-key.ts'
export { commitOwn } from './realm/commit-own.ts'
export { adviceOn, type Unreadable } from './realm/disorder.ts'
export { type EvidenceKey, evidenceKeyOf } from './realm/evidence-key.ts'
export {
  type IssueAct,
  type Issued,
  issueTokens,
  type OverQuota,
  putToken,
  recordOf,
  type TokenIntent,
} from './realm/issue.ts'
export { isMaster, type RealmsAct } from './realm/master-keys.ts'
export type { Minting } from './realm/minting.ts'
export { type Audit, type Caller, type Cause, callerFacts, type Found, Realm, whoOf } from './realm/realm.ts'
export {
  type MasterKey,
  masterKeyId,
  opensKeys,
  sealTokenText,
  unsealTokenText,
  unwrapRealmKeys,
} from './realm/realm-keys.ts'
export { type RealmView, readRealmValue, SYSTEM_ORDINAL } from './realm/realm-record.ts'
export {
  assignedMaxSeconds,
  DEFAULT_REALM_SETTINGS,
  REALM_SETTINGS,
  REALM_SETTINGS_ID,
  type RealmSettings,
} from './realm/realm-settings.ts'
export { Realms } from './realm/realms.ts'
export {
  cutoffRule,
  type EndedBy,
  endedByCutoff,
  type RevokeAct,
  revokeAll,
  revokeGrant,
  revokePrincipals,
  revokeToken,
  rowsOf,
  ruleOn,
  tokenRule,
} from './realm/revoke.ts'
export { changePrefixes, TOKEN_PREFIXES, TOKEN_PREFIXES_ID } from './realm/token-prefixes.ts'
export {
  checksum,
  mintedPrefixProblem,
  mintText,
  PREFIX,
  type Prefixes,
  TokenGrammar,
} from './realm/token-text.ts'
export { tokensByIds, tokensOfTargets } from './realm/tokens-by-ids.ts'
export type { Sink } from './sink.ts'
