import { AUDIT_COMMANDS } from './commands/audit/commands.ts'
import { BULK_COMMANDS } from './commands/bulk/commands.ts'
import { DOCTOR_COMMANDS } from './commands/doctor/commands.ts'
import { END_COMMANDS } from './commands/end/commands.ts'
import { FIND_COMMANDS } from './commands/find/commands.ts'
import { INIT_COMMANDS } from './commands/init/commands.ts'
import { LOGIN_COMMANDS } from './commands/login/commands.ts'
import { LOOK_COMMANDS } from './commands/look/commands.ts'
import { META_COMMANDS } from './commands/meta/commands.ts'
import { PENDING_COMMANDS } from './commands/pending/commands.ts'
import { RECORD_COMMANDS } from './commands/records/commands.ts'
import { HOLD_COMMANDS, REVOKE_COMMANDS } from './commands/revoke/commands.ts'
import { SERVER_COMMANDS } from './commands/server/commands.ts'
import { STORE_COMMANDS } from './commands/store/commands.ts'
import type { Commands } from './frame/command.ts'

/**
 * Every command. Parsing, help, completion, man pages and docs/reference/commands.md come from this table. It loads no
 * command: each one's code is imported when it runs.
 */
export const COMMANDS: Commands = [
  ...REVOKE_COMMANDS,
  ...FIND_COMMANDS,
  ...HOLD_COMMANDS,
  ...END_COMMANDS,
  ...PENDING_COMMANDS,
  ...AUDIT_COMMANDS,
  ...BULK_COMMANDS,
  ...LOOK_COMMANDS,
  ...RECORD_COMMANDS,
  ...SERVER_COMMANDS,
  ...INIT_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...STORE_COMMANDS,
  ...LOGIN_COMMANDS,
  ...META_COMMANDS,
]
