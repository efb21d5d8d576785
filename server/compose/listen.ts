import type { AddressInfo } from 'node:net'
import type { Realm, Realms, Store } from '@rescind/authority'
import { type Clock, ContractBroken, isOutage, type Random } from '@rescind/core'
import { OAUTH_PREFIX, Scans } from '@rescind/dialects'
import { Feed } from '@rescind/feed'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { type ControlApi, createControlApi } from '../control/api.ts'
import { KeyGuesses } from '../control/frame/key-guesses.ts'
import { Stats } from '../control/resources/stats/stats.ts'
import type { NodeJson } from '../control/resources/stats/stats-json.ts'
import type { DialectModule, Mounted } from '../dialects/module.ts'
import { createCheck } from '../gateway/check.ts'
import { judgeAny } from '../gateway/judge.ts'
import { ConnectionShares } from '../http/connection-shares.ts'
import { createDenials } from '../http/denials.ts'
import { withFrontPage } from '../http/front-page.ts'
import { Listener } from '../http/listener.ts'
import { RequestLines } from '../http/request-lines.ts'
import { KeySets } from '../judging/key-sets.ts'
import type { MasterKeyFile } from '../keys/master-key.ts'
import { Buckets } from '../machine/buckets.ts'
import type { FlushBuckets } from '../machine/flush-times.ts'
import type { ServerLog } from '../machine/log.ts'
import { createMetrics, type Metrics } from '../machine/metrics.ts'
import { guardedFetch } from '../machine/net/guarded-fetch.ts'
import { isTrustedHop, NO_PROXIES } from '../machine/net/peer.ts'
import { type PasswordCost, PasswordQueue } from '../machine/passwords.ts'
import { RequestTimes } from '../machine/request-times.ts'
import { storeTroubles, type Trouble } from '../machine/troubles.ts'
import { watchTurns } from '../machine/turns.ts'
import { OpenCounts } from '../pending/open-counts.ts'
import { feedEnforcement } from '../receipts/enforcement.ts'
import type { Sources } from '../rules/sources.ts'
import { type Maintenance, startMaintenance } from '../upkeep/maintenance.ts'
import { addressRefused } from './address.ts'
import { Bases } from './bases.ts'
import { noteUntimely, reloadTls } from './certificate.ts'
import { endpointsOf } from './modules.ts'
import { mountAll } from './mounts.ts'
import { nodeJson } from './node-stats.ts'
import { createOps } from './ops.ts'
import { routeClasses } from './route-classes.ts'

export type RunningServer = {
  readonly url: string
  readonly maintenance: Maintenance
  /** Rereads the certificate and its key for new connections. If they cannot be served, the old ones stay in use. */
  readonly reload: () => void
  /** Stops accepting, finishes requests in flight, and flushes. */
  readonly close: () => Promise<void>
}

/** The parts that are opened before the server listens. */
export type Open = {
  readonly modules: readonly DialectModule[]
  readonly sources: Sources
  readonly realms: Realms
  readonly store: Store
  readonly clock: Clock
  /** Whether the clock is the machine's own. A test that brings another clock also says when it is read. */
  readonly isSystemClock: boolean
  readonly log: Logger
  readonly random: Random
  readonly lines: ServerLog
  readonly flushes: FlushBuckets
  readonly masterKeyFile: MasterKeyFile
  readonly passwordCost: PasswordCost
}

const DAY_MS = 86_400_000

/** Assembles all that answers requests, and listens. @throws SettingsRefused when the address is not available. */
export async function listen(config: Config, open: Open): Promise<RunningServer> {
  const { clock, log } = open
  const shared = await share(config, open)
  const { bases, metrics, maintenance } = shared
  const mounted = mountModules(config, open, shared)
  const listener = createListener(config, { open, shared, mounted })
  const { host, port } = config.listen
  try {
    await listener.listen({ host, port, backlog: BACKLOG })
  } catch (error) {
    for (const { close } of mounted) close?.()
    await maintenance.stop()
    throw addressRefused(config.listen, error)
  }
  bases.origin = originOf(listener, config)
  log.info({ url: bases.origin, store: config.store.kind }, 'rescind is listening')
  noteUntimely(config.tls, clock.wallMs(), log)
  for (const { setting, isOn, why } of config.insecure) if (isOn) log.warn(`${setting}: ${why}`)
  await warn(mounted, log)
  const unwatch = open.isSystemClock ? watchTurns(metrics.late, () => clock.monotonicMs()) : () => {}
  return {
    url: bases.origin,
    maintenance,
    reload: () => reloadTls(listener.server, config, log),
    close: async () => {
      unwatch()
      shared.passwords.close()
      await close(listener, { open, shared, mounted })
      await open.lines.flush()
    },
  }
}

/** The server answers by now: an outage of the store ends the warnings, and not the server. */
async function warn(mounted: readonly Mounted[], log: Logger): Promise<void> {
  try {
    for (const { onListening } of mounted) await onListening?.()
  } catch (error) {
    if (!isOutage(error)) throw error
    log.warn(
      { reason: error.message },
      'the records were not looked through for what an operator should know',
    )
  }
}

/** What several parts of the server share. */
type Shared = {
  readonly metrics: Metrics
  readonly times: RequestTimes
  readonly feed: Feed
  readonly maintenance: Maintenance
  readonly troubles: () => readonly Trouble[]
  readonly lines: RequestLines
  readonly guesses: KeyGuesses
  readonly passwords: PasswordQueue
  readonly keySets: KeySets
  readonly scans: Scans
  readonly bases: Bases
}

async function share(config: Config, open: Open): Promise<Shared> {
  const { realms, store, clock, log, sources, masterKeyFile } = open
  const monotonicMs = (): number => clock.monotonicMs()
  const times = new RequestTimes({ classOf: routeClasses(open.modules), monotonicMs })
  const propagation = new Buckets()
  const metrics = createMetrics({
    ...{ realms, times, propagation },
    flushes: open.flushes,
    insecure: config.insecure,
    linesDropped: open.lines.dropped,
  })
  const feed = await openFeed(open, (ms) => propagation.add(ms))
  const maintenance = startMaintenance({
    ...{ realms, store, clock, log, sources, masterKeyFile },
    auditRetentionMs: config.auditRetention * DAY_MS,
    signingKeyMaxAgeMs: config.signingKeyDays * DAY_MS,
    byItself: open.isSystemClock,
  })
  const troubles = (): readonly Trouble[] => [...storeTroubles(realms, clock), ...maintenance.troubles()]
  const openCounts = new OpenCounts(realms, monotonicMs)
  metrics.watch({
    troubles,
    clockDriftMs: maintenance.clockDriftMs,
    doesUpkeep: maintenance.doesUpkeep,
    indexes: maintenance.indexes,
    feed: () => ({ subscribers: feed.readers, ...feed.instanceCounts() }),
    open: () => openCounts.read(),
  })
  const lines = new RequestLines(log, monotonicMs)
  const keySets = new KeySets({
    fetch: guardedFetch,
    monotonicMs,
    allowInternal: config.allowInternalFetch,
    onFailure: (issuer, why) => lines.write('warn', { issuer, why }, 'the keys of an issuer are unavailable'),
  })
  return {
    ...{ metrics, times, feed, maintenance, troubles, lines, keySets },
    guesses: new KeyGuesses(monotonicMs),
    passwords: new PasswordQueue(open.passwordCost),
    scans: new Scans(),
    bases: new Bases(config.publicUrl),
  }
}

/** Opened before all other listeners to the log, because frames are sent without waiting for them. */
function openFeed({ realms, clock, log }: Open, propagated: (ms: number) => void): Promise<Feed> {
  return Feed.open({
    realms,
    clock,
    propagated,
    alarm: (realm, { ordinal, seq }) =>
      log.error(
        { realm: realm.name, ordinal, seq },
        'this log was rolled back: nothing is acknowledged in this realm until an operator starts a new epoch',
      ),
  })
}

type MountedModule = Mounted & Pick<DialectModule, 'paths'>

function mountModules(
  config: Config,
  { modules, realms, log }: Open,
  shared: Shared,
): readonly MountedModule[] {
  const { lines, scans, passwords, keySets, bases } = shared
  const parts = {
    ...{ realms, log, lines, scans, passwords, keySets },
    allowInternalFetch: config.allowInternalFetch,
    baseOf: (realm: Realm) => bases.of(realm),
  }
  return modules.map(({ name, paths, settings, mount }) => {
    const missing = Object.keys(settings).find((setting) => !(setting in config))
    if (missing !== undefined) throw new ContractBroken(`${name}: ${missing} is no setting of this server`)
    // The configuration holds the values that the module's own parsers made.
    return { ...mount(parts, config as never), paths }
  })
}

type Whole = {
  readonly open: Open
  readonly shared: Shared
  readonly mounted: readonly MountedModule[]
}

function createListener(config: Config, { open, shared, mounted }: Whole): Listener {
  const { realms, clock } = open
  const { metrics, lines, bases, guesses, troubles } = shared
  const proxies = config.behindProxy ?? NO_PROXIES
  const { mounts, fastRoutes } = mountAll({
    realms,
    publicPath: bases.publicPath,
    dialects: mounted.map((one) => ({ ...one, dialect: withFrontPage(one.dialect, one.paths) })),
    check: createCheck(judgeAny(shared.keySets)),
    control: createControl(config, open, shared),
    metricsOpen: config.metricsOpen,
    ops: createOps({
      ...{ guesses, realms, metrics, troubles },
      metricsOpen: config.metricsOpen,
      monotonicMs: () => clock.monotonicMs(),
      readyStrict: config.readyStrict,
    }),
  })
  return new Listener({
    ...{ mounts, fastRoutes, metrics, lines, nodes: realms.nodes },
    denials: createDenials(lines, metrics),
    monotonicMs: () => clock.monotonicMs(),
    links: { proxies, publicUrl: config.publicUrl, fallbackBase: () => bases.origin },
    shares: new ConnectionShares((address) => isTrustedHop(address, proxies)),
    tls: config.tls,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  })
}

function createControl(config: Config, open: Open, shared: Shared): ControlApi {
  const { realms, modules, sources, clock, masterKeyFile } = open
  const { feed, keySets, maintenance, scans, guesses, bases } = shared
  const monotonicMs = (): number => clock.monotonicMs()
  const node = (): NodeJson => nodeJson({ realms, ...shared })
  const parts = {
    ...{ realms, sources, feed, keySets, scans, guesses },
    secrets: modules.flatMap(({ secrets }) => secrets ?? []),
    people: modules.flatMap(({ people }) => people ?? []),
    rotateMasterKey: masterKeyFile.rotate.bind(masterKeyFile),
    stats: new Stats({ realms, feed, monotonicMs, node }),
    enforcement: feedEnforcement(feed),
    auditRetentionMs: config.auditRetention * DAY_MS,
    confirmClock: maintenance.confirmClock,
    baseUrl: () => bases.base,
    issuerOf: (realm: Realm) => bases.of(realm) + OAUTH_PREFIX,
    monotonicMs,
    ratePerSecond: config.controlRate,
    allowWeakSecrets: config.allowWeakSecrets,
  }
  return createControlApi(parts, endpointsOf(modules))
}

/**
 * Connections that may wait to be accepted, as far as the system allows. Hundreds of verifiers reconnect at once, and
 * one that the system drops is not told: it only tries again after seconds.
 */
const BACKLOG = 4_096

/** Milliseconds that requests in flight get to finish once the server stops; less than the process gives itself. */
const DRAIN_TIMEOUT_MS = 8_000

async function close(listener: Listener, { open, shared, mounted }: Whole): Promise<void> {
  // Streams do not end by themselves, so close them first.
  for (const one of mounted) one.close?.()
  shared.feed.close()
  await listener.close()
  await shared.maintenance.stop()
  await open.realms.ledger.close()
  await open.realms.nodes?.leave()
  await open.store.close()
}

function originOf(listener: Listener, { listen: { host }, tls }: Config): string {
  // A server that listens on TCP has an AddressInfo, which Node's type does not say.
  const { port } = listener.server.address() as AddressInfo
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
