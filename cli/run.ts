import { flushCompileCache } from 'node:module'
import { SettingsRefused } from '@rescind/core'
import {
  CONFIG_FILE,
  checkConfig,
  explainSettings,
  flagLines,
  readConfigFile,
  resolveSettings,
  SETTINGS,
  startServer,
  type Values,
} from '@rescind/server'
import { auditVerify } from './audit-verify.ts'
import { backup } from './backup.ts'
import { epoch } from './epoch.ts'
import { restore } from './restore.ts'
import { store } from './store.ts'
import type { Told } from './store-words.ts'
import { version } from './version.ts'

/** Milliseconds after a signal at which the process ends, even with requests in flight. */
const DRAIN_TIMEOUT_MS = 9_500

/** Takes text without its last line break. */
export type Print = (text: string) => void

/** @throws SettingsRefused, StoreRefused: one line for the operator, exit code 2. */
export async function run(words: readonly string[], print: Print = toStdout): Promise<void> {
  const [command, ...rest] = words
  switch (command) {
    case 'serve':
      return rest.includes('--help') ? print(usage()) : serve(rest)
    case 'config':
      return explain(rest, print)
    case 'audit':
      return audit(rest, print)
    case 'backup':
      return printLines(await backup(rest, valuesOf), print)
    case 'restore':
      return printLines(await restore(rest, valuesOf), print)
    case 'epoch':
      return printLines(await epoch(rest, valuesOf), print)
    case 'store':
      return printLines(await store(rest, valuesOf), print)
    case 'version':
    case '--version':
      return print(`rescind ${version()}`)
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      return print(usage())
    default:
      throw new SettingsRefused(`unknown command "${command}" (see: rescind --help)`)
  }
}

async function serve(flags: readonly string[]): Promise<void> {
  // A stop during the start takes effect once the start is complete, so that the start is not cut off half-way.
  const starting = startServer(checkConfig(valuesOf(flags)))
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(1), DRAIN_TIMEOUT_MS).unref()
    starting
      .then((server) => server.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          process.stderr.write(
            `rescind: stopping failed: ${error instanceof Error ? error.message : 'unknown'}\n`,
          )
          process.exit(1)
        },
      )
  }
  process.on('SIGHUP', () => {
    void starting.then(
      (server) => server.reload(),
      // The await below reports a failed start.
      () => undefined,
    )
  })
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  await starting
  // Otherwise it is written only at an orderly exit, and a killed process starts slowly again. 80 ms, once.
  flushCompileCache()
}

async function audit(words: readonly string[], print: Print): Promise<void> {
  const [sub, ...rest] = words
  if (sub !== 'verify') throw new SettingsRefused('the command is: rescind audit verify [FILE] [FLAGS]')
  const { lines, isRight } = await auditVerify(rest, valuesOf)
  printLines({ lines, isWhole: isRight }, print)
}

/** Exit code 1: the command did not succeed everywhere, or what it checked is wrong. */
function printLines({ lines, isWhole }: Told, print: Print): void {
  for (const line of lines) print(line)
  if (!isWhole) process.exitCode = 1
}

function explain(words: readonly string[], print: Print): void {
  const [sub, ...flags] = words
  if (sub !== 'explain') throw new SettingsRefused('the command is: rescind config explain [FLAGS]')
  const values = valuesOf(flags)
  print(explainSettings(values))
  checkConfig(values)
}

function valuesOf(flags: readonly string[]): Values {
  return resolveSettings({ flags, environment: process.env, file: readConfigFile(CONFIG_FILE) })
}

function usage(): string {
  return [
    'rescind: the off-switch for tokens',
    '',
    'usage: rescind serve [FLAGS]            run the server',
    '       rescind config explain [FLAGS]   every setting, its value, and its source',
    '       rescind audit verify [FLAGS]     check the logs of a stopped store: exit 1 if a row was removed, added or altered',
    '       rescind audit verify FILE        the same for an export ("-": standard input);',
    '                                        --position P: it must contain this known position',
    '       rescind backup FILE [FLAGS]      copy the store as it is at one moment, even while it is served',
    '       rescind restore FILE [FLAGS]     make a store from a backup, in a new epoch: every token issued before is lost, unless',
    '                                        --side-log FILE continues the backup and was closed in order, or reaches',
    '                                        --known-position P (any position that a receipt or a verifier shows), or',
    '                                        --keep-tokens says that nothing was revoked since',
    '       rescind epoch new [FLAGS]        start a new epoch on a stopped store, after a fork or a takeover (flags as for restore)',
    '       rescind store migrate FROM TO    move a stopped store from sqlite:PATH to postgres://… or back; run it again if it was cut off',
    '       rescind --version',
    '',
    'flags (over environment, over rescind.config.json):',
    ...flagLines(SETTINGS),
  ].join('\n')
}

function toStdout(text: string): void {
  process.stdout.write(`${text}\n`)
}
