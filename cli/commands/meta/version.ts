import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { version } from '../../version.ts'

export async function run(_: Call, io: Io): Promise<ExitCode> {
  const own = version()
  io.result({ version: own, node: process.versions.node }, () => [`rescind ${own}`])
  return EXIT.done
}
