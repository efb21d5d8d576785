import { resolve } from 'node:path'
import { isOutage, StoreRefused } from '@rescind/core'
import { checkConfig } from '@rescind/server'
import { openStore, type StoreUrl } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, paint } from '../../frame/lines.ts'
import { settingValues } from '../setting-values.ts'
import { diskFindings } from './disk.ts'
import { fileFindings } from './files.ts'
import { type Finding, right, unchecked, wrong } from './finding.ts'
import { serverFindings } from './server.ts'

/** @throws SettingsRefused, WrongUse. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const config = checkConfig(settingValues(call, io))
  const path = config.store.path === undefined ? undefined : resolve(config.store.path)
  const findings = [
    ...(await storeFindings(config.store)),
    ...fileFindings(config, path),
    ...(path === undefined ? [] : diskFindings(path)),
    ...(await serverFindings(call, io)),
  ]
  const isRight = findings.every(({ kind }) => kind !== 'wrong')
  io.result({ right: isRight, findings }, () => findings.flatMap(linesOf))
  return isRight ? EXIT.done : EXIT.failed
}

/** Whether a database can be reached; nodes may run on it. A file is looked at by itself. */
async function storeFindings(url: StoreUrl): Promise<readonly Finding[]> {
  if (!url.isDurable) return [unchecked('store', 'a store in memory is gone with its server')]
  if (url.path !== undefined) return []
  try {
    const store = await openStore(url, { floorMs: 0, mustExist: true, afterTakeover: true })
    await store.close()
    return [right('store', 'the database answers, and holds a store')]
  } catch (error) {
    if (!(error instanceof StoreRefused || isOutage(error))) throw error
    return [wrong('store', error.message, 'see docs/run/postgres.md')]
  }
}

const MARKS = {
  right: paint('green', 'ok     '),
  warning: paint('yellow', 'warning'),
  wrong: paint('red', 'WRONG  '),
  unchecked: paint('dim', '–      '),
} as const

function linesOf(finding: Finding): readonly Line[] {
  const line = [MARKS[finding.kind], ` ${finding.about}: ${finding.what}`]
  return 'next' in finding ? [line, `        ${finding.next}`] : [line]
}
