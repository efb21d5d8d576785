import { existsSync } from 'node:fs'
import type { MasterKey, Realms } from '@rescind/authority'
import { isOutage, StoreRefused } from '@rescind/core'
import { checkStore, checkStoreFiles, realmsOutOfOrder } from '@rescind/server'
import { type OpenedStore, openStore, type StoreUrl } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { CommandFailed } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type Line, paint } from '../../frame/lines.ts'
import { sentenceOn, wordsFor } from './log-sentences.ts'
import { durableWords, masterKeyOf, openRealms } from './store-words.ts'

/** `realm` is absent for what is about the whole store. */
type Finding = { readonly realm?: string; readonly what: string; readonly next: string }

/**
 * Looks at what a start looks at, and at every row of every log, and changes nothing.
 * @throws SettingsRefused, StoreRefused for a store that cannot be opened at all.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const { config, url } = durableWords(call, io)
  if (url.path !== undefined && !existsSync(url.path))
    throw new StoreRefused(`there is no store at ${url.path}`)
  const master = masterKeyOf(config)
  const warnings = url.path === undefined ? [] : checkStoreFiles({ path: url.path })
  try {
    return await checked(io, { master, url, warnings })
  } catch (error) {
    // A damaged file: the library of the store says what, and no more.
    if (url.path === undefined || !isOutage(error)) throw error
    throw new CommandFailed(error.message, { exit: EXIT.misused, next: WRONG_NEXT })
  }
}

type Opened = { readonly master: MasterKey; readonly url: StoreUrl; readonly warnings: readonly string[] }

async function checked(io: Io, { master, url, warnings }: Opened): Promise<ExitCode> {
  // What is checked before an operator decides, too.
  const store = await openStore(url, { floorMs: 0, sideLog: 'unread', mustExist: true, afterTakeover: true })
  try {
    const logs = await logFindings(store, master)
    const known = new Set(logs.findings.map(({ realm }) => realm))
    const others = (await startFindings(store, master)).filter(
      ({ realm }) => realm === undefined || !known.has(realm),
    )
    const findings = [...warnings.map(fileFinding), ...logs.findings, ...others]
    io.result({ right: findings.length === 0, logs: logs.lines, findings }, () => [
      ...logs.lines,
      ...(findings.length === 0 ? ['Nothing is out of order.'] : findings.flatMap(findingLines)),
    ])
    return findings.length === 0 ? EXIT.done : EXIT.failed
  } finally {
    await store.close()
  }
}

type Logs = { readonly lines: readonly string[]; readonly findings: readonly Finding[] }

async function logFindings(store: OpenedStore, master: MasterKey): Promise<Logs> {
  const [lines, findings]: [string[], Finding[]] = [[], []]
  for await (const checked of checkStore({ store, master, positions: [] })) {
    const { realm } = checked
    if (checked.kind === 'unchecked') findings.push({ realm, what: checked.why, next: UNREADABLE_NEXT })
    else if (checked.kind === 'wrong')
      findings.push({ realm, what: `row ${checked.fault.seq}: ${wordsFor(checked.fault)}`, next: WRONG_NEXT })
    else lines.push(sentenceOn(checked))
    if (checked.kind !== 'unchecked' && checked.checkpoint === 'forged')
      findings.push({ realm, what: 'its checkpoint was not made by this server', next: WRONG_NEXT })
  }
  return { lines, findings }
}

const UNREADABLE_NEXT =
  'open the store with the version that wrote it, or restore a backup (docs/run/out-of-order.md)'
const WRONG_NEXT =
  'make a copy of the store, and restore the last good backup with the side log (docs/run/backup.md)'

/** What a server would find when it opens all realms. */
async function startFindings(store: OpenedStore, master: MasterKey): Promise<readonly Finding[]> {
  let realms: Realms
  try {
    realms = await openRealms(store, master)
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error
    return [{ what: `a server would not start: ${error.message}`, next: UNREADABLE_NEXT }]
  }
  const closed = realmsOutOfOrder(realms).map(({ realm, why }) => ({
    realm,
    what: why,
    next: UNREADABLE_NEXT,
  }))
  const items = realms.disorder.all
    .filter(({ what }) => what !== 'realm' && what !== 'log')
    .map(({ realm, what, name, why }) => ({ realm, what: `${what} ${name}: ${why}`, next: UNREADABLE_NEXT }))
  await realms.ledger.close()
  return [...closed, ...items]
}

function fileFinding(warning: string): Finding {
  const [what = warning, next = 'see docs/run/deploy.md'] = warning.split('; ')
  return { what, next }
}

function findingLines({ realm, what, next }: Finding): readonly Line[] {
  return [[paint('red', 'WRONG'), ` ${realm === undefined ? '' : `${realm}: `}${what}`], `      ${next}`]
}
