import { resolve } from 'node:path'
import { adviceOn, type IssuingQuota, Realms, type Store } from '@rescind/authority'
import { ChangedMeanwhile, type Clock, type Random } from '@rescind/core'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { keptFreeText } from '../control/frame/free-text.ts'
import type { DialectModule } from '../dialects/module.ts'
import { firstMasterKey, settleControlKey } from '../keys/first-keys.ts'
import { MasterKeyFile } from '../keys/master-key.ts'
import { FlushBuckets } from '../machine/flush-times.ts'
import { issuingQuota } from '../machine/issuing-quota.ts'
import { isReadableByOthers } from '../machine/key-files.ts'
import { givenLog, openLog, type ServerLog } from '../machine/log.ts'
import { hashPassword, PASSWORD_COST, type PasswordCost } from '../machine/passwords.ts'
import { createSystemRandom } from '../machine/random.ts'
import { steadyClock } from '../machine/steady-clock.ts'
import { Sources } from '../rules/sources.ts'
import { applySeed } from '../seed/apply.ts'
import { readSeed, secretText } from '../seed/read.ts'
import type { Seed } from '../seed/schema.ts'
import { tryAddress } from './address.ts'
import { joinNodes } from './join-nodes.ts'
import { listen, type Open, type RunningServer } from './listen.ts'
import { checkModules, MODULES } from './modules.ts'
import { endAt, openOwnStore } from './open-store.ts'
import { hasPublishedKeys, refusePublished, seedHasPublished, tellsSecrets } from './published.ts'

/** What a test may use in place of the machine's own. */
export type Surroundings = {
  /** Replaces this server's dialects; the configuration must hold the settings of these. */
  readonly modules?: readonly DialectModule[]
  readonly clock?: Clock
  readonly random?: Random
  /** A store that is open already, instead of the configured one. The server closes it. */
  readonly store?: Store
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly log?: Logger
  readonly quota?: IssuingQuota
  readonly passwordCost?: PasswordCost
}

const SYSTEM_CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
const SYSTEM_RANDOM: Random = createSystemRandom()

/**
 * The composition root: opens the store, the realms and the dialects, and listens.
 * @throws SettingsRefused or StoreRefused when it cannot start as configured; one line for the operator.
 */
export async function startServer(config: Config, surroundings: Surroundings = {}): Promise<RunningServer> {
  const { modules = MODULES } = surroundings
  const seed = await checkFirst(config, modules, surroundings.store)
  const lines =
    surroundings.log === undefined ? openLog(config.logLevel, config.logFormat) : givenLog(surroundings.log)
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start({ config, modules, seed, lines }, surroundings)
    } catch (error) {
      const isLast = attempt === STARTS_MAX || surroundings.store !== undefined
      if (isLast || !(error instanceof ChangedMeanwhile)) throw error
    }
  }
}

/** Several nodes may start at once on an empty store; all but one find what another has just made. */
const STARTS_MAX = 8

type Starting = {
  readonly config: Config
  readonly modules: readonly DialectModule[]
  readonly seed: Seed | undefined
  readonly lines: ServerLog
}

async function start(
  { config, modules, seed, lines }: Starting,
  surroundings: Surroundings,
): Promise<RunningServer> {
  const { clock: machineClock = SYSTEM_CLOCK, random = SYSTEM_RANDOM } = surroundings
  const { passwordCost = PASSWORD_COST } = surroundings
  const sources = new Sources(modules)
  const { log } = lines
  const store = surroundings.store ?? (await openOwnStore(config, { clock: machineClock, log }))
  const nodes = await joinNodes(store, config, { clock: SYSTEM_CLOCK, log })
  const clock = surroundings.clock ?? nodes?.storeClock ?? machineClock
  // The store's time never falls, and a monotonic clock that is fast would run ahead of it.
  const isStoreTime = clock === nodes?.storeClock
  try {
    const keys = { config, random, isTemporary: isKeptNowhere(config, surroundings) }
    const master = await firstMasterKey(keys, store)
    const flushes = new FlushBuckets(() => machineClock.monotonicMs())
    const realms = await Realms.open({
      flushes,
      store,
      master,
      clock: isStoreTime ? clock : steadyClock(clock),
      random,
      nodes,
      defer: (task) => setImmediate(task),
      lazily: true,
      quota: surroundings.quota ?? issuingQuota(config.issueRate, () => clock.monotonicMs()),
      freeText: keptFreeText,
      minting: sources.minting,
      mustEnd: (why) => endAt(why, log),
      onUnreadable: (found) => log.error(found, adviceOn(found)),
    })
    for (const { name, ordinal } of realms.all()) {
      const suspension = realms.ledger.suspension(ordinal)
      if (suspension !== undefined) log.error({ realm: name }, suspension.advice)
    }
    const keyFile = keys.isTemporary ? undefined : resolve(config.masterKeyFile)
    const masterKeyFile = new MasterKeyFile(keyFile, { realms, store, random })
    await masterKeyFile.round()
    await settleControlKey(keys, realms.system, log)
    const isSystemClock = surroundings.clock === undefined
    const held = { modules, sources, realms, store, clock, isSystemClock, log, random, lines, flushes }
    const open: Open = { ...held, masterKeyFile, passwordCost }
    const { environment } = surroundings
    if (config.seed !== undefined && seed !== undefined)
      await applySeedFile(open, { file: config.seed, seed, environment })
    if (await hasPublishedKeys(realms, store)) refusePublished(config)
    return await listen(config, open)
  } catch (error) {
    await nodes?.leave()
    await store.close()
    throw error
  }
}

type SeedFile = {
  readonly file: string
  readonly seed: Seed
  readonly environment: Surroundings['environment']
}

async function applySeedFile({ realms, modules, log, passwordCost }: Open, given: SeedFile): Promise<void> {
  const { file, seed, environment = process.env } = given
  if (isReadableByOthers(file) && tellsSecrets(seed))
    log.warn({ file }, `the seed file has secrets in it and can be read by others; run: chmod 600 ${file}`)
  const created = await applySeed(
    {
      realms,
      parts: modules.flatMap((one) => one.seed ?? []),
      secretText: (secret) => secretText(secret, environment),
      hashPassword: (password) => hashPassword(password, passwordCost),
      onWeakSecret: (of) => log.warn({ of }, 'this secret of the seed file can be guessed'),
    },
    seed,
  )
  log.info({ created }, 'seed applied')
}

/** Whether all data goes with the process. A store that was passed in belongs to its caller, so it does not count. */
function isKeptNowhere({ store }: Config, given: Surroundings): boolean {
  return !store.isDurable && given.store === undefined
}

/**
 * What can be refused before anything is made: the dialects, the seed file and the address. No half-made store, no key and no migrated
 * store is left behind then. A store that was passed in is closed, as it is whenever starting fails.
 * @throws SettingsRefused
 */
async function checkFirst(
  config: Config,
  modules: readonly DialectModule[],
  given: Store | undefined,
): Promise<Seed | undefined> {
  try {
    checkModules(modules)
    const parts = modules.flatMap(({ seed }) => seed ?? [])
    const seed = config.seed === undefined ? undefined : readSeed(config.seed, parts)
    if (seed !== undefined && seedHasPublished(seed)) refusePublished(config)
    await tryAddress(config.listen)
    return seed
  } catch (error) {
    await given?.close()
    throw error
  }
}
