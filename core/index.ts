export type { Explained } from './explained.ts'
export {
  ChangedMeanwhile,
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
export {
  ASSIGNED_LIFETIME_MAX_MS,
  expiryCeiling,
  KEEP_FOREVER_MS,
  KEEP_MARGIN_MS,
  keptPast,
  LAST_INSTANT_MS,
  LIFETIME_MAX_MS,
} from './lifetimes.ts'
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
export { RecentMap } from './recent-map.ts'
export {
  ANCESTORS_MAX,
  type Ancestor,
  CHAT_SOURCES,
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
export { type Cutoff, cutoffHits } from './revocations/cutoff-table.ts'
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
export { cutoffCount, RevocationIndex } from './revocations/revocation-index.ts'
export { type Admission, ANY_ACCESS, admit, type Credential, type Demand } from './verdict/admit.ts'
export { ancestorOf, ancestorsFrom, isWhole, isWholeRecord, withWholeAncestors } from './verdict/ancestry.ts'
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
