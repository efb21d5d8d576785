import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { bashScript } from '../../generated/bash.ts'
import { type Described, described } from '../../generated/described.ts'
import { fishScript } from '../../generated/fish.ts'
import { zshScript } from '../../generated/zsh.ts'

const SCRIPTS: Readonly<Record<string, (all: readonly Described[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

export async function run(call: Call, io: Io): Promise<ExitCode> {
  const script = SCRIPTS[call.positional(0) ?? '']
  // Loads the server, so only now.
  const { settingsAsFlags } = await import('../../frame/setting-flags.ts')
  // The table has only these choices.
  if (script !== undefined) io.raw(script(described(io.commands, settingsAsFlags())))
  return EXIT.done
}
