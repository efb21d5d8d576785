import type { Call } from './call.ts'
import { WrongUse } from './failure.ts'
import type { Io } from './io.ts'
import type { Line } from './lines.ts'
import { askYesNo } from './prompts.ts'

export type Plan = {
  /** What would be changed, for people, and for --json. */
  readonly lines: readonly Line[]
  readonly json: object
  /** Asked after the lines are shown: "End these 46 tokens?" */
  readonly question: string
}

/**
 * Shows what a command is about to change, and asks. Under --dry-run the plan is the command's result, and the answer is
 * no. Call it once, with nothing changed so far; the command needs `changes: 'asks'` in the table.
 * @returns whether to go on. @throws WrongUse without --yes where nobody can be asked; Interrupted on Ctrl-C.
 */
export async function confirmed(call: Call, io: Io, plan: Plan): Promise<boolean> {
  if (isDryRun(call, io, plan)) return false
  if (call.isOn('yes')) return true
  if (!io.canAsk)
    throw new WrongUse(
      'nothing was changed, since nobody can be asked here',
      'give --yes, or --dry-run to see what would be changed',
    )
  for (const line of plan.lines) io.note(line)
  if (await askYesNo(io, plan.question)) return true
  io.note('Nothing was changed.')
  return false
}

/** For commands with `changes: 'acts'`: under --dry-run prints the plan as the result. @returns whether to change nothing. */
export function isDryRun(call: Call, io: Io, { lines, json }: Omit<Plan, 'question'>): boolean {
  if (!call.isOn('dry-run')) return false
  io.result({ dryRun: true, ...json }, () => [...lines, 'Nothing was changed (--dry-run).'])
  return true
}
