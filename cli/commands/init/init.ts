import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { getgid, getuid } from 'node:process'
import { checkConfig, resolveSettings, SETTINGS } from '@rescind/server'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { createPrivateFile } from '../../remote/private-files.ts'
import { composeFile, settingsFile, systemdFile } from './files.ts'

const MASTER_KEY_BYTES = 32

/** @throws SettingsRefused for a setting that serving would refuse; WrongUse when a file exists. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const folder = resolve(call.text('folder') ?? '.')
  if (/[\s%"'\\]/.test(folder))
    throw new WrongUse(`--folder: ${folder}`, 'a unit of systemd needs a path without spaces and quotes')
  const values = resolveSettings({ flags: call.settings, environment: {}, file: undefined })
  checkConfig(values)
  const given = new Map(
    [...values].flatMap(([name, { origin, value }]) =>
      origin === 'flag' ? [[name, value ?? ''] as const] : [],
    ),
  )
  if (given.has('masterKeyFile') || given.has('store'))
    throw new WrongUse(
      '--store and --master-key-file are not for init',
      'set them in the file that it writes',
    )
  const files: readonly (readonly [name: string, text: string])[] = [
    ['rescind.env', settingsFile(SETTINGS, given)],
    ['rescind.service', systemdFile(folder)],
    ['compose.yaml', composeFile({ uid: getuid?.() ?? 1_000, gid: getgid?.() ?? 1_000 })],
    ['rescind-data/master.key', `${randomBytes(MASTER_KEY_BYTES).toString('base64url')}\n`],
  ]
  const taken = files.map(([name]) => resolve(folder, name)).find((path) => existsSync(path))
  if (taken !== undefined)
    throw new WrongUse(`${taken} exists`, 'nothing is overwritten; name another --folder, or move it away')
  const names = files.map(([name]) => resolve(folder, name))
  if (isDryRun(call, io, { lines: names.map((name) => `${name} would be written`), json: { write: names } }))
    return EXIT.done
  for (const [name, text] of files) createPrivateFile(resolve(folder, name), text)
  io.result({ written: names }, () => [...names.map((name) => `${name}: written`), ...next(folder)])
  return EXIT.done
}

function next(folder: string): readonly string[] {
  return [
    '',
    'Keep a copy of rescind-data/master.key apart from the backups: without it no backup can be opened.',
    `Look through ${resolve(folder, 'rescind.env')}. Then start it by systemd or compose, or here:`,
    `  cd ${folder} && set -a && . ./rescind.env && set +a && rescind serve`,
    'The first start writes the first control key to rescind-data/control.key. `rescind doctor` looks whether all is well.',
  ]
}
