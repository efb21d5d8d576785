import { flushCompileCache } from 'node:module'
import { checkConfig, startServer } from '@rescind/server'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { settingValues } from '../setting-values.ts'

/** Milliseconds after a signal at which the process ends, even with requests in flight. */
const DRAIN_TIMEOUT_MS = 9_500

/** @throws SettingsRefused, StoreRefused. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  // A stop during the start takes effect once the start is complete, so that the start is not cut off half-way.
  const starting = startServer(checkConfig(settingValues(call, io)))
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
  return EXIT.done
}
