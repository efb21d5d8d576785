import { ANNOUNCE_FUNCTION } from './announced-keys.ts'
import { APPLY_FUNCTION } from './apply-function.ts'
import { FORGET_FUNCTION } from './dead-nodes.ts'
import { APPLY_EACH_FUNCTION, GROUP_FUNCTION, MISSED_FUNCTION } from './group-function.ts'
import { DEPARTED_FUNCTION } from './instance-functions.ts'
import { HEARTBEAT_PROCEDURE, MARK_FUNCTION } from './lease-functions.ts'
import { NAMED_FUNCTION, NAMES_FUNCTION } from './names-function.ts'
import { RECORDS_FUNCTION } from './records-function.ts'
import { CLOCK_FUNCTION, FENCE_FUNCTION, HERE_FUNCTION, PLACE_FUNCTION } from './setup-functions.ts'
import { SWEEP_FUNCTION } from './sweep-function.ts'
import { FORKED_FUNCTION, JOIN_FUNCTION, SETTLE_FUNCTION, TESTIFY_FUNCTION } from './takeover-functions.ts'
import { UPKEEP_FUNCTION } from './upkeep-function.ts'

/**
 * The functions of this version, by name, in the order in which they need each other. The number in a name is its version:
 * a released function is never edited, because older nodes call it while newer ones start.
 */
export const FUNCTIONS: readonly (readonly [name: string, sql: string])[] = [
  ['place_1', PLACE_FUNCTION],
  ['here_1', HERE_FUNCTION],
  ['clock_1', CLOCK_FUNCTION],
  ['fence_1', FENCE_FUNCTION],
  ['names_1', NAMES_FUNCTION],
  ['named_1', NAMED_FUNCTION],
  ['records_1', RECORDS_FUNCTION],
  ['apply_1', APPLY_FUNCTION],
  ['apply_each_1', APPLY_EACH_FUNCTION],
  ['missed_1', MISSED_FUNCTION],
  ['group_1', GROUP_FUNCTION],
  ['sweep_1', SWEEP_FUNCTION],
  ['departed_1', DEPARTED_FUNCTION],
  ['heartbeat_1', HEARTBEAT_PROCEDURE],
  ['mark_1', MARK_FUNCTION],
  ['announce_1', ANNOUNCE_FUNCTION],
  ['upkeep_1', UPKEEP_FUNCTION],
  ['testify_1', TESTIFY_FUNCTION],
  ['join_1', JOIN_FUNCTION],
  ['settle_1', SETTLE_FUNCTION],
  ['forget_1', FORGET_FUNCTION],
  ['forked_1', FORKED_FUNCTION],
]
