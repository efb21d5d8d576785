import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { quoted } from '../../frame/token-text.ts'
import { described } from '../../generated/described.ts'
import { commandPage, overviewPage } from '../../generated/man.ts'
import { version } from '../../version.ts'

/** @throws WrongUse for a command that there is not. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  // Loads the server, so only now.
  const { settingsAsFlags } = await import('../../frame/setting-flags.ts')
  const all = described(io.commands, settingsAsFlags())
  const name = call.positionals.join(' ')
  if (name === '') {
    io.raw(overviewPage(all, version()))
    return EXIT.done
  }
  const found = all.find(({ entry }) => entry.name === name)
  if (found === undefined) throw new WrongUse(`there is no command ${quoted(name)}`, 'see: rescind --help')
  io.raw(commandPage(found, version()))
  return EXIT.done
}
