export {
  type Checkpoint,
  checkpointText,
  parseCheckpoint,
  positionOf,
  readCheckpoint,
} from './checkpoint-text.ts'
export {
  collectionKeyOf,
  cutoffKeyOf,
  digestKeyOf,
  handleKeyOf,
  type IndexKey,
  keysOfExact,
} from './index-keys.ts'
export { relationOf } from './lineage.ts'
export {
  CHAIN_START,
  type ChainedRow,
  chainAfter,
  chainAfterHashed,
  type HashedRow,
} from './log-chain.ts'
export {
  isRowKind,
  ROW_KIND_NAMES,
  ROW_KINDS,
  type RowKind,
  rowKindOf,
  rowKindOfCode,
  traitsOf,
} from './row-kinds.ts'
export { decodeRule, encodeRule, keepInBytes, settleKeep, tokenRuleKeys } from './rule-bytes.ts'
export {
  type ChainedLogRow,
  type ChangeRule,
  CUTOFF_SHAPES,
  type CutoffAsOf,
  type CutoffShape,
  type CutoffTarget,
  EXACT_CODE,
  type ExactTarget,
  type HoldRule,
  type LogRow,
  type ReleaseRule,
  type RevokeRule,
  type Rule,
  type Target,
  type TokenTarget,
} from './rules.ts'
