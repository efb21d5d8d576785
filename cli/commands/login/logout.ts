import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { quoted } from '../../frame/token-text.ts'
import { readProfiles, writeProfiles } from '../../remote/profiles.ts'

/** @throws WrongUse for a profile that there is not. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const { current, byName } = readProfiles(io.environment)
  const one = call.text('profile') ?? current
  const gone = call.isOn('all') ? [...byName.keys()] : byName.has(one ?? '') ? [one ?? ''] : []
  if (gone.length === 0 && !call.isOn('all'))
    throw new WrongUse(
      one === undefined ? 'there is no profile' : `there is no profile ${quoted(one)}`,
      'see: rescind profiles',
    )
  const left = new Map([...byName].filter(([name]) => !gone.includes(name)))
  const next = current !== undefined && left.has(current) ? current : undefined
  const plan = { lines: gone.map((name) => `Profile "${name}" would be forgotten.`), json: { forget: gone } }
  if (isDryRun(call, io, plan)) return EXIT.done
  writeProfiles(io.environment, { current: next, byName: left })
  io.result({ forgotten: gone }, () => [
    ...gone.map((name) => `Profile "${name}" and its key were forgotten. The key itself is still good.`),
    ...(gone.length === 0 ? ['There was no profile.'] : []),
  ])
  return EXIT.done
}
