import {
  type Audit,
  adviceOn,
  checkpointKeyOf,
  commitOwn,
  type Operation,
  type Realm,
  type Realms,
  readObject,
  shaped,
} from '@rescind/authority'
import { LAST_INSTANT_MS, ORIGIN, position } from '@rescind/core'
import { type Checkpoint, parseCheckpoint } from '@rescind/core/log'
import { FORK_KIND } from '@rescind/feed'

export type EpochStart = {
  /** Realms that keep their tokens of earlier epochs; all other realms lose theirs. */
  readonly keepTokens: (realm: Realm) => boolean
  /** Checkpoints of abandoned histories: a new epoch must lie beyond all of them. */
  readonly known: ReadonlyMap<string, readonly Checkpoint[]>
  readonly audit: Audit
}

export type EpochStarted = {
  readonly realm: string
  readonly ordinal: number
  readonly seq: number
  readonly keptTokens: boolean
}

export type NoEpoch = { readonly realm: string; readonly why: string }

/** Realms of which too little can be read to start an epoch; they stay as they are, and are not served. */
export function realmsOutOfOrder(realms: Realms): readonly NoEpoch[] {
  const unopened = realms.disorder.all.filter(({ what }) => what === 'realm')
  const open = realms.all().flatMap((realm) => {
    const why = realms.whyNotIn(realm)
    return why === undefined ? [] : [{ realm: realm.name, why }]
  })
  return [...unopened.map((one) => ({ realm: one.realm, why: adviceOn(one) })), ...open]
}

/**
 * Starts an epoch in every realm of a store that no server has open, except those that are out of order. A verifier
 * with a checkpoint of an abandoned history is told so, and goes on refusing the tokens that it knows to have ended.
 * @throws StoreUnavailable.
 */
export async function startEpochs(realms: Realms, start: EpochStart): Promise<readonly EpochStarted[]> {
  const started: EpochStarted[] = []
  const inOrder = realms.all().filter((realm) => realms.whyNotIn(realm) === undefined)
  for (const realm of inOrder) {
    const known = [...(start.known.get(realm.name) ?? []), ...(await forkOf(realms, realm))]
    const last = realm.index.epochs.at(-1)?.ordinal ?? 0
    const ordinal = Math.max(last, ...known.map((checkpoint) => checkpoint.ordinal)) + 1
    const keptTokens = start.keepTokens(realm)
    const lostBelow = keptTokens ? ORIGIN : position(ordinal, realm.index.seq + 1)
    const epochId = realm.random.bytes(16).toString('base64url')
    await commitOwn(realm, [
      { kind: 'append', row: realm.row({ kind: 'epoch', ordinal, epochId, lostBelow }, start.audit) },
    ])
    started.push({ realm: realm.name, ordinal, seq: realm.index.seq, keptTokens })
  }
  await commitOwn(realms.system, inOrder.map(forgetFork))
  return started
}

/**
 * Marks the realms that got no epoch as rolled back: once one of them can be read again, its tokens are as doubtful as the
 * others were. Without a checkpoint, since nobody has presented one.
 */
export async function refuseWithoutEpoch(realms: Realms): Promise<void> {
  const { system } = realms
  const marked: Operation[] = []
  for (const { realm } of realmsOutOfOrder(realms)) {
    const name = { kind: FORK_KIND, id: realm }
    if ((await system.store.expiring(system.ordinal, name)) !== undefined) continue
    const entry = { ...name, value: Buffer.from('{}'), expiresAtMs: LAST_INSTANT_MS }
    marked.push({ kind: 'put-expiring', entry })
  }
  if (marked.length > 0) await commitOwn(system, marked)
}

const IS_CHECKPOINT = shaped({ ordinal: 'number', epochId: 'text', seq: 'number', chain: 'text' })

/** The checkpoint that proved a rollback of a realm's log, if there is one. */
export async function forkOf({ system }: Realms, realm: Realm): Promise<readonly Checkpoint[]> {
  const entry = await system.store.expiring(system.ordinal, { kind: FORK_KIND, id: realm.name })
  const checkpoint = entry === undefined ? undefined : readObject(entry.value)
  // An unreadable checkpoint does not tell how far the other history went.
  return checkpoint !== undefined && IS_CHECKPOINT(checkpoint) ? [checkpoint as Checkpoint] : []
}

function forgetFork(realm: Realm): Operation {
  return { kind: 'drop-expiring', entry: { kind: FORK_KIND, id: realm.name }, ifExpiresAtMs: LAST_INSTANT_MS }
}

/**
 * Reads a checkpoint. Its tag tells the realm, because each realm has its own key. @returns undefined if no key
 * matches.
 */
export function checkpointIn(
  realms: Realms,
  text: string,
): { realm: Realm; checkpoint: Checkpoint } | undefined {
  for (const realm of realms.all()) {
    const checkpoint = parseCheckpoint(text, checkpointKeyOf(realm.keys.sealKey))
    if (checkpoint !== undefined) return { realm, checkpoint }
  }
  return undefined
}
