import { checkConfig, explainedSettings, explainSettings } from '@rescind/server'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { settingValues } from '../setting-values.ts'

/** Shows the settings, and then refuses the wrong ones. @throws SettingsRefused. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const values = settingValues(call, io)
  io.result(explainedSettings(values), () => explainSettings(values).split('\n'))
  checkConfig(values)
  return EXIT.done
}
