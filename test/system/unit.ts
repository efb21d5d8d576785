import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RESCIND } from '../kit/cli/command-line.ts'
import { unitEnvironment, unitText } from '../kit/unit.ts'
import { run } from './command.ts'

/** systemd reads the unit of the deploy page without a complaint, and the server accepts the settings in it. */
export async function unit(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-unit-'))
  try {
    const file = join(folder, 'rescind.service')
    // The command is not installed here; systemd looks whether it can be run.
    writeFileSync(file, unitText().replace('/usr/local/bin/rescind', RESCIND))
    await succeed('systemd-analyze', ['verify', file])
    const said = await succeed(process.execPath, [RESCIND, 'config', 'explain'], unitEnvironment())
    const given = said.split('\n').filter((line) => line.endsWith('  environment'))
    if (given.length === 0) throw new Error(`no setting of the unit was taken:\n${said}`)
    return `read by systemd; ${given.length} settings taken`
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function succeed(
  command: string,
  words: readonly string[],
  environment?: Readonly<Record<string, string>>,
): Promise<string> {
  const { status, output, errors } = await run(command, words, environment)
  if (status !== 0 || errors !== '') throw new Error(`${command} ended with ${status}:\n${output}\n${errors}`)
  return output
}
