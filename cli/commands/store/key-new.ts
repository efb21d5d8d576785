import { SettingsRefused } from '@rescind/core'
import { CONTROL_ROLES, checkConfig, makeKeyOnStore } from '@rescind/server'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { secretPlace } from '../../remote/secret-place.ts'
import { settingValues } from '../setting-values.ts'

/** @throws SettingsRefused, StoreRefused, WrongUse. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const [role, name] = [CONTROL_ROLES.find((one) => one === call.text('role')), call.text('name')]
  if (role === undefined || name === undefined) throw new SettingsRefused('key new needs --role and --name')
  const wanted = { role, name, realm: call.text('realm'), owner: call.text('owner') }
  const config = checkConfig(settingValues(call, io))
  if (!config.store.isDurable) throw new SettingsRefused('store: a store in memory keeps no key')
  const where = wanted.realm === undefined ? 'all realms' : `the realm ${wanted.realm}`
  if (
    isDryRun(call, io, {
      lines: [`A control key of role ${role} for ${where} would be made.`],
      json: { key: wanted },
    })
  )
    return EXIT.done
  const place = secretPlace(call, ['key'])
  try {
    const { id, text } = await makeKeyOnStore(config, wanted)
    const { record, secretFile } = place.keep({ id, ...wanted, key: text })
    io.result({ created: true, ...(secretFile === undefined ? {} : { secretFile }), record }, () => [
      `Control key ${id} of role ${role} for ${where} was made; the audit of the realm system says so.`,
      secretFile === undefined ? text : `It is in ${secretFile}, which only you can read.`,
    ])
    return EXIT.done
  } finally {
    place.drop()
  }
}
