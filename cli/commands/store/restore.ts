import { chmodSync, copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Realm, Realms, Store } from '@rescind/authority'
import { SettingsRefused, StoreRefused } from '@rescind/core'
import { type Checkpoint, relationOf } from '@rescind/core/log'
import { checkpointIn, type EpochStarted, startEpochs } from '@rescind/server'
import { flush, type OpenedStore, openStore, refuseLeftJournal, type SideJoined } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import { isDryRun } from '../../frame/confirm.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import {
  type EpochFlags,
  epochFlags,
  leftRealms,
  masterKeyOf,
  openRealms,
  type StoreWords,
  storeWords,
  type Told,
  tell,
} from './store-words.ts'

type RestoreWords = StoreWords & EpochFlags

const ON_DATABASE =
  'a database is brought back by its own tools, then given a new epoch by `rescind epoch new` (docs/run/postgres.md, "Backups")'

/**
 * `rescind restore FILE`: makes a store from a backup, in a new epoch. The store appears complete, by one rename, so that no
 * server finds it half-made. @throws SettingsRefused, StoreRefused.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const told = { ...storeWords(call, io, ON_DATABASE), ...epochFlags(call) }
  const { url } = told
  const { path } = url
  const file = call.positional(0) ?? ''
  const { sideLog } = told.config
  if (existsSync(path))
    throw new StoreRefused(
      `${path} exists: stop the server and move it away; a restore never replaces a store`,
    )
  refuseLeftJournal(path)
  if (!existsSync(file)) throw new StoreRefused(`${file}: no such backup`)
  const sideFile = typeof sideLog === 'object' ? sideLog.path : undefined
  if (sideFile !== undefined && !existsSync(sideFile))
    throw new SettingsRefused(`sideLog: ${sideFile} does not exist`)
  const master = masterKeyOf(told.config)
  const plan = {
    lines: [`${path} would be made from ${file}, in a new epoch of every realm.`],
    json: { restore: file, to: path, keepTokens: told.keepTokens },
  }
  if (isDryRun(call, io, plan)) return EXIT.done
  const stage = `${path}.restoring`
  clear(stage)
  try {
    copyFileSync(file, stage)
    chmodSync(stage, 0o600)
    const side = sideFile === undefined ? 'restored' : { path: sideFile, salvage: true }
    const store = await openStore({ ...url, path: stage }, { floorMs: 0, sideLog: side })
    const done = await inNewEpoch(store, told, () => openRealms(store, master))
    flush(stage)
    renameSync(stage, path)
    flush(dirname(path))
    return tell(io, done)
  } finally {
    clear(stage)
  }
}

async function inNewEpoch(
  store: OpenedStore,
  told: RestoreWords,
  open: () => Promise<Realms>,
): Promise<Told> {
  try {
    const realms = await open()
    const { joined } = store
    const known = knownCheckpoints(realms, told.known)
    const proven = await provenRealms(realms, { joined, known })
    const started = await startEpochs(realms, {
      keepTokens: (realm) => told.keepTokens || proven.has(realm.name),
      known,
      audit: {
        by: 'operator',
        from: 'local',
        how: 'store.restore',
        why: told.keepTokens ? 'restored from a backup; --keep-tokens' : 'restored from a backup',
      },
    })
    const left = leftRealms(realms)
    await realms.ledger.close()
    const lines = [
      sideLine(joined),
      ...leftLines(store),
      ...started.map((one) => epochLine(one, { told, proven })),
      ...left.lines,
      ...warnings(told),
    ]
    return { lines, isWhole: left.isWhole }
  } finally {
    await store.close()
  }
}

/** By realm. @throws SettingsRefused for text that is not a checkpoint of this store. */
export function knownCheckpoints(realms: Realms, texts: readonly string[]): Map<string, Checkpoint[]> {
  const known = new Map<string, Checkpoint[]>()
  for (const text of texts) {
    const found = checkpointIn(realms, text)
    if (found === undefined)
      throw new SettingsRefused('--known-position: not a position of a realm of this store')
    known.set(found.realm.name, [...(known.get(found.realm.name) ?? []), found.checkpoint])
  }
  return known
}

type History = {
  readonly joined: SideJoined | undefined
  readonly known: ReadonlyMap<string, readonly Checkpoint[]>
}

/** Realms that lack nothing that was acknowledged, as the side log or a checkpoint that the log reaches proves. */
export async function provenRealms(realms: Realms, { joined, known }: History): Promise<ReadonlySet<string>> {
  const proven = new Set<string>()
  const isWhole = joined?.kind === 'whole'
  for (const realm of realms.all()) {
    // An unreadable log proves nothing, and gets no new epoch.
    if (realms.whyNotIn(realm) !== undefined) continue
    const checkpoints = known.get(realm.name) ?? []
    const reached: (boolean | undefined)[] = []
    for (const checkpoint of checkpoints) reached.push(await isReached(realm, checkpoint))
    // A checkpoint beyond this log disproves everything that seemed complete.
    if (reached.includes(false)) continue
    if ((isWhole && joined.closed) || reached.includes(true)) proven.add(realm.name)
  }
  return proven
}

/** Undefined for a checkpoint of this log whose row was trimmed, so that nothing can be compared. */
async function isReached(realm: Realm, checkpoint: Checkpoint): Promise<boolean | undefined> {
  if (relationOf(checkpoint, realm.index.epochs, realm.index) !== 'on') return false
  const { seq } = await realm.store.anchor(realm.ordinal)
  if (checkpoint.seq <= seq) return undefined
  const chain = await chainAt(realm.store, realm, checkpoint.seq)
  return chain === checkpoint.chain
}

async function chainAt(store: Store, { ordinal }: Realm, seq: number): Promise<string | undefined> {
  const [row] = await store.chainedRowsAfter(ordinal, seq - 1, 1)
  return row?.seq === seq ? Buffer.from(row.chain).toString('base64url') : undefined
}

function sideLine(joined: SideJoined | undefined): string {
  switch (joined?.kind) {
    case undefined:
      return 'No side log was given, so revocations after the backup are unknown.'
    case 'started':
      return 'The side log is empty, so revocations after the backup are unknown.'
    case 'whole': {
      const closed = joined.closed ? 'closed in order' : 'not closed in order'
      return `The side log continues the backup: ${joined.carried} groups were carried over; it was ${closed}.`
    }
    case 'gap':
      return [
        `The side log does not continue the backup: of ${joined.carried} groups,`,
        'only revocations and holds were carried over.',
      ].join(' ')
  }
}

/** Reports the backup's own side log if the restore did not use one. */
function leftLines({ left }: OpenedStore): readonly string[] {
  return left === undefined
    ? []
    : [`The side log ${left.path} was not used and proves nothing about this store from now on. Delete it.`]
}

type Judged = { readonly told: RestoreWords; readonly proven: ReadonlySet<string> }

function epochLine({ realm, ordinal, keptTokens }: EpochStarted, { told, proven }: Judged): string {
  const why = keptTokens
    ? proven.has(realm)
      ? 'its tokens stay valid: nothing that was acknowledged is missing'
      : 'its tokens stay valid, because --keep-tokens was given'
    : told.known.length > 0
      ? 'every token issued before is lost: the log does not reach the given position'
      : 'every token issued before is lost'
  return `${realm}: epoch ${ordinal}; ${why}.`
}

function warnings({ keepTokens }: EpochFlags): readonly string[] {
  return keepTokens
    ? ['WARNING: tokens with unknown revocations after the backup are accepted again (--keep-tokens).']
    : []
}

function clear(stage: string): void {
  for (const file of [stage, `${stage}-wal`, `${stage}-shm`, `${stage}.lock`]) rmSync(file, { force: true })
}
