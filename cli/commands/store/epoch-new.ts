import { existsSync } from 'node:fs'
import type { Realms } from '@rescind/authority'
import { StoreRefused } from '@rescind/core'
import { type EpochStarted, forkOf, refuseWithoutEpoch, startEpochs } from '@rescind/server'
import { type OpenedStore, openStore, type StoreUrl } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { knownCheckpoints, provenRealms } from './restore.ts'
import {
  durableWords,
  type EpochFlags,
  epochFlags,
  leftRealms,
  masterKeyOf,
  openRealms,
  type StoreWords,
  type Told,
  tell,
} from './store-words.ts'

type Words = StoreWords<StoreUrl> & EpochFlags

/**
 * `rescind epoch new`: for an operator whose store was found to be rolled back, with no better copy to restore, or whose
 * PostgreSQL is a standby that took over while no node was running.
 * @throws SettingsRefused, StoreRefused.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const told = { ...durableWords(call, io), ...epochFlags(call) }
  const { path } = told.url
  if (path !== undefined && !existsSync(path)) throw new StoreRefused(`there is no store at ${path}`)
  const master = masterKeyOf(told.config)
  const tokens = told.keepTokens
    ? 'tokens would stay valid'
    : 'tokens would be lost, but where a known position is reached'
  const plan = {
    lines: [`A new epoch would begin in every realm of ${storeName(told)}; ${tokens}.`],
    json: { epoch: 'new', keepTokens: told.keepTokens },
  }
  if (isDryRun(call, io, plan)) return EXIT.done
  const store = await opened(told)
  try {
    const done = await begun(await openRealms(store, master), told, store)
    await store.takeover?.settle()
    return tell(io, done)
  } finally {
    await store.close()
  }
}

/** A database is named by the settings, with what must not be shown left out. */
function storeName({ url }: Words): string {
  return url.path ?? 'the database'
}

function opened({ url, config }: Words): Promise<OpenedStore> {
  const { sideLog, requireSync } = config
  const side = typeof sideLog === 'object' ? { ...sideLog, salvage: false } : sideLog
  return openStore(url, { floorMs: 0, mustExist: true, afterTakeover: true, requireSync, sideLog: side })
}

async function begun(realms: Realms, told: Words, store: OpenedStore): Promise<Told> {
  const known = knownCheckpoints(realms, told.known)
  const proven = store.takeover?.isDue === true ? await provenAfterTakeover(realms, known) : new Set<string>()
  const started = await startEpochs(realms, {
    keepTokens: (realm) => told.keepTokens || proven.has(realm.name),
    known,
    audit: {
      by: 'operator',
      from: 'local',
      how: 'epoch.new',
      why: told.keepTokens ? 'a new epoch; --keep-tokens' : 'a new epoch',
    },
  })
  const left = leftRealms(realms)
  if (store.takeover?.isDue === true) await refuseWithoutEpoch(realms)
  await realms.ledger.close()
  return { lines: [...started.map((one) => line(one, proven)), ...left.lines], isWhole: left.isWhole }
}

/** A position that proved a rollback is one that the log does not reach. */
async function provenAfterTakeover(
  realms: Realms,
  known: ReturnType<typeof knownCheckpoints>,
): Promise<ReadonlySet<string>> {
  const all = new Map(known)
  for (const realm of realms.all())
    all.set(realm.name, [...(known.get(realm.name) ?? []), ...(await forkOf(realms, realm))])
  return provenRealms(realms, { joined: undefined, known: all })
}

function line({ realm, ordinal, keptTokens }: EpochStarted, proven: ReadonlySet<string>): string {
  const kept = proven.has(realm)
    ? 'its tokens stay valid: the log reaches the given position'
    : 'its tokens stay valid, because --keep-tokens was given'
  return `${realm}: epoch ${ordinal}; ${keptTokens ? kept : 'every token issued before is lost'}.`
}
