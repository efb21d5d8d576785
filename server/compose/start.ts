import type { AddressInfo } from 'node:net'
import { resolve } from 'node:path'
import { Server as TlsServer } from 'node:tls'
import { adviceOn, type IssuingQuota, type Realm, Realms, type Store } from '@rescind/authority'
import { type Clock, DEFAULT_REALM, type Random, SettingsRefused } from '@rescind/core'
import {
  CHAT_PREFIXES,
  createIdentityDialect,
  createOauthDialect,
  OAUTH_PREFIX,
  Scans,
} from '@rescind/dialects'
import { Feed } from '@rescind/feed'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'
import { readTls, type TlsPair, untimely } from '../config/tls.ts'
import { createControlApi } from '../control/api.ts'
import { keptFreeText } from '../control/frame/free-text.ts'
import { KeyGuesses } from '../control/frame/key-guesses.ts'
import { createCheck } from '../gateway/check.ts'
import { judgeAny } from '../gateway/judge.ts'
import { createDenials } from '../http/denials.ts'
import { RequestLines } from '../http/request-lines.ts'
import { judgeText } from '../judging/judge-token.ts'
import { KeySets } from '../judging/key-sets.ts'
import { firstMasterKey, settleControlKey } from '../keys/first-keys.ts'
import { MasterKeyFile } from '../keys/master-key.ts'
import { issuingQuota } from '../machine/issuing-quota.ts'
import { isReadableByOthers } from '../machine/key-files.ts'
import { givenLog, openLog, type ServerLog } from '../machine/log.ts'
import { createMetrics } from '../machine/metrics.ts'
import { guardedFetch } from '../machine/net/guarded-fetch.ts'
import { NO_PROXIES } from '../machine/net/peer.ts'
import { hashPassword, PASSWORD_COST, type PasswordCost, PasswordQueue } from '../machine/passwords.ts'
import { createSystemRandom } from '../machine/random.ts'
import { steadyClock } from '../machine/steady-clock.ts'
import { storeTroubles, type Trouble } from '../machine/troubles.ts'
import { watchTurns } from '../machine/turns.ts'
import { feedEnforcement } from '../receipts/enforcement.ts'
import { applySeed } from '../seed/apply.ts'
import { readSeed, secretText } from '../seed/read.ts'
import type { Seed } from '../seed/schema.ts'
import { type Maintenance, startMaintenance } from '../upkeep/maintenance.ts'
import { createApp } from './app.ts'
import { type Chat, openChat, warnOfChatApps } from './chat.ts'
import { openOwnStore } from './open-store.ts'
import { createOps } from './ops.ts'
import { hasPublishedKeys, refusePublished, seedHasPublished } from './published.ts'

/** What a test may put in the place of the machine's own. */
export type Surroundings = {
  readonly clock?: Clock
  readonly random?: Random
  /** Open already; the configured one is left alone. The server closes it. */
  readonly store?: Store
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly log?: Logger
  readonly quota?: IssuingQuota
  readonly passwordCost?: PasswordCost
}

export type RunningServer = {
  readonly url: string
  readonly maintenance: Maintenance
  /** Reads the certificate and its key anew, for connections from now on; one that cannot be served leaves the one before. */
  readonly reload: () => void
  /** Stops accepting, finishes what is in flight, flushes. */
  readonly close: () => Promise<void>
}

const DAY_MS = 86_400_000
const SYSTEM_CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }
const SYSTEM_RANDOM: Random = createSystemRandom()

/**
 * The composition root: opens the store, the realms and the mouths, and listens.
 * @throws SettingsRefused or StoreRefused when it cannot start as configured; one line for the operator.
 */
export async function startServer(config: Config, surroundings: Surroundings = {}): Promise<RunningServer> {
  const clock = surroundings.clock ?? SYSTEM_CLOCK
  const random = surroundings.random ?? SYSTEM_RANDOM
  const passwordCost = surroundings.passwordCost ?? PASSWORD_COST
  const lines = surroundings.log === undefined ? openLog(config.logLevel) : givenLog(surroundings.log)
  const { log } = lines
  // Before anything is opened: a seed that cannot be read must not leave a half-made store behind.
  const seed = await seedOf(config, surroundings.store)
  const store = surroundings.store ?? (await openOwnStore(config, { clock, log }))
  try {
    const keys = { config, random, isTemporary: isKeptNowhere(config, surroundings) }
    const master = await firstMasterKey(keys, store)
    const realms = await Realms.open({
      store,
      master,
      clock: steadyClock(clock),
      random,
      defer: (task) => setImmediate(task),
      lazily: true,
      quota: surroundings.quota ?? issuingQuota(config.issueRate, () => clock.monotonicMs()),
      freeText: keptFreeText,
      onUnreadable: (found) => log.error(found, adviceOn(found)),
    })
    for (const { name, ordinal } of realms.all()) {
      const suspension = realms.ledger.suspension(ordinal)
      if (suspension !== undefined) log.error({ realm: name }, suspension.advice)
    }
    await settleControlKey(keys, realms.system, log)
    if (config.seed !== undefined && seed !== undefined) {
      if (isReadableByOthers(config.seed))
        log.warn({ file: config.seed }, 'the seed file can be read by others')
      const environment = surroundings.environment ?? process.env
      const created = await applySeed(
        {
          realms,
          secretText: (secret) => secretText(secret, environment),
          hashPassword: (password) => hashPassword(password, passwordCost),
          onWeakSecret: (of) => log.warn({ of }, 'this secret of the seed file can be guessed'),
        },
        seed,
      )
      log.info({ created }, 'seed applied')
    }
    if (await hasPublishedKeys(realms, store)) refusePublished(config)
    const { isTemporary } = keys
    return await listen(config, { realms, store, clock, log, random, lines, isTemporary, passwordCost })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** Whether everything is gone with the process: a store that was given is its giver's. */
function isKeptNowhere({ store }: Config, given: Surroundings): boolean {
  return !store.isDurable && given.store === undefined
}

/** @throws SettingsRefused when it cannot be read; a store that was given is closed then, as it is whenever this fails. */
async function seedOf(config: Config, given: Store | undefined): Promise<Seed | undefined> {
  if (config.seed === undefined) return undefined
  try {
    const seed = readSeed(config.seed)
    if (seedHasPublished(seed)) refusePublished(config)
    return seed
  } catch (error) {
    await given?.close()
    throw error
  }
}

type Open = {
  readonly realms: Realms
  readonly store: Store
  readonly clock: Clock
  readonly log: Logger
  readonly random: Random
  readonly lines: ServerLog
  readonly isTemporary: boolean
  readonly passwordCost: PasswordCost
}

async function listen(config: Config, open: Open): Promise<RunningServer> {
  const { realms, store, clock, log } = open
  const masterKeyFile = new MasterKeyFile(open.isTemporary ? undefined : resolve(config.masterKeyFile), open)
  const { insecure } = config
  const metrics = createMetrics({ realms, insecure, linesDropped: open.lines.dropped })
  // Before whoever else listens to the log: its frames wait for nobody.
  const feed = await Feed.open({
    realms,
    clock,
    alarm: (realm, { ordinal, seq }) =>
      log.error(
        { realm: realm.name, ordinal, seq },
        'this log was rolled back: nothing is acknowledged in this realm until an operator starts a new epoch',
      ),
  })
  const maintenance = startMaintenance({
    realms,
    store,
    clock,
    log,
    auditRetentionMs: config.auditRetention * DAY_MS,
    signingKeyMaxAgeMs: config.signingKeyDays * DAY_MS,
    // Whoever brings a clock also says when it is looked at.
    byItself: clock === SYSTEM_CLOCK,
  })
  const troubles = (): readonly Trouble[] => [...storeTroubles(realms), ...maintenance.troubles()]
  metrics.watch({ troubles, clockDriftMs: maintenance.clockDriftMs, indexes: maintenance.indexes })
  const lines = new RequestLines(log, () => clock.monotonicMs())
  const guesses = new KeyGuesses(() => clock.monotonicMs())
  const passwords = new PasswordQueue(open.passwordCost)
  const keySets = new KeySets({
    fetch: guardedFetch,
    monotonicMs: () => clock.monotonicMs(),
    allowInternal: config.allowInternalFetch,
    onFailure: (issuer, why) => lines.write('warn', { issuer, why }, 'the keys of an issuer cannot be had'),
  })
  const { chatRate: requestsPerMinute, allowInternalFetch: allowInternal } = config
  const scans = new Scans()
  const chatParts = { realms, log, lines, requestsPerMinute, allowInternal, scans }
  const chat = openChat(chatParts)
  let origin = ''
  const publicBase = (): string => config.publicUrl ?? origin
  const { pathname } = new URL(config.publicUrl ?? 'http://none')
  const baseOf = (realm: Realm): string =>
    realm.name === DEFAULT_REALM ? publicBase() : `${publicBase()}/realms/${realm.name}`
  const app = createApp({
    realms,
    publicPath: pathname === '/' ? '' : pathname,
    metrics,
    lines,
    dialects: [
      { dialect: chat.dialect, prefixes: CHAT_PREFIXES.map((first) => `/${first}`) },
      {
        dialect: createIdentityDialect({
          passwords,
          scans,
          ratePerSecond: config.identityRate,
          chainRevocation: config.identityChainRevocation,
        }),
        prefixes: ['/v2.0', '/v2.0.json', '/v2.0.xml', '/v3', '/'],
      },
      {
        dialect: createOauthDialect({
          baseOf,
          replaySeconds: config.oauthReplaySeconds,
          cacheTtlSeconds: config.oauthCacheTtl,
          strictHints: config.oauthStrictHints,
          authorizationEndpoint: config.authorizationEndpoint,
          judgeForeign: (realm, raw) => judgeText(realm, keySets, raw),
          onNotice: ({ event, ...of }) => lines.write('warn', of, `oauth: ${event}`),
        }),
        prefixes: ['/api/id/v1', '/.well-known/oauth-authorization-server'],
      },
    ],
    check: createCheck(judgeAny(keySets)),
    control: createControlApi({
      realms,
      feed,
      keySets,
      rotateMasterKey: (act) => masterKeyFile.rotate(act),
      enforcement: feedEnforcement(feed),
      auditRetentionMs: config.auditRetention * DAY_MS,
      confirmClock: maintenance.confirmClock,
      issuerOf: (realm) => baseOf(realm) + OAUTH_PREFIX,
      monotonicMs: () => clock.monotonicMs(),
      scans,
      ratePerSecond: config.controlRate,
      guesses,
      allowWeakSecrets: config.allowWeakSecrets,
    }),
    ops: createOps({
      guesses,
      realms,
      metrics,
      metricsOpen: config.metricsOpen,
      monotonicMs: () => clock.monotonicMs(),
      troubles,
      readyStrict: config.readyStrict,
    }),
    denials: createDenials(lines, metrics),
    proxies: config.behindProxy ?? NO_PROXIES,
    tls: config.tls,
    publicUrl: config.publicUrl,
    fallbackBase: () => origin,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
  })
  try {
    await app.listen({ host: config.listen.host, port: config.listen.port, backlog: BACKLOG })
  } catch (error) {
    chat.close()
    await maintenance.stop()
    const reason = error instanceof Error ? error.message : String(error)
    throw new SettingsRefused(`listen: ${config.listen.host}:${config.listen.port}: ${reason}`)
  }
  origin = originOf(app, config)
  log.info({ url: origin, store: config.store.kind }, 'rescind is listening')
  noteUntimely(config.tls, clock.wallMs(), log)
  for (const { setting, isOn, why } of insecure) if (isOn) log.warn(`${setting}: ${why}`)
  // No way of delivering is built in; whoever embeds the dialect gives it a notifier of its own.
  log.info(
    'identity: no notifier: mails for forgotten passwords and passcodes by text message are not delivered',
  )
  await warnOfChatApps(chatParts)
  // Whoever brings a clock also says when it is looked at.
  const unwatch = clock === SYSTEM_CLOCK ? watchTurns(metrics.late, () => clock.monotonicMs()) : () => {}
  return {
    url: origin,
    maintenance,
    reload: () => reloadTls(app, config, log),
    close: async () => {
      unwatch()
      passwords.close()
      await close(app, { realms, store, maintenance, chat, feed })
      await open.lines.flush()
    },
  }
}

/**
 * Connections that may wait to be accepted, as far as the system lets them: hundreds of verifiers come back at once, and
 * one that is turned away by the system is not told so, but tries again after seconds.
 */
const BACKLOG = 4_096

function reloadTls(app: FastifyInstance, { tls }: Config, log: Logger): void {
  // The types say `http.Server` of both kinds.
  const server: unknown = app.server
  if (tls === undefined || !(server instanceof TlsServer)) {
    log.info('nothing to read anew: there is no certificate')
    return
  }
  try {
    const pair = readTls(tls.files)
    server.setSecureContext({ cert: pair.cert, key: pair.key })
    log.info({ file: tls.files.certFile }, 'the certificate and its key were read anew')
    noteUntimely(pair, Date.now(), log)
  } catch (error) {
    if (!(error instanceof SettingsRefused)) throw error
    log.error({ reason: error.message }, 'the certificate cannot be read anew: the one before stays')
  }
}

function noteUntimely(tls: TlsPair | undefined, nowMs: number, log: Logger): void {
  const reason = tls === undefined ? undefined : untimely(tls, nowMs)
  if (reason !== undefined) log.warn({ reason }, 'clients will refuse the certificate')
}

/** Milliseconds that requests in flight have to finish once the server stops; below what the process gives itself. */
const DRAIN_TIMEOUT_MS = 8_000
const SWEEP_MS = 50

async function close(
  app: FastifyInstance,
  open: Pick<Open, 'realms' | 'store'> & { maintenance: Maintenance; chat: Chat; feed: Feed },
): Promise<void> {
  // Streams have no end of their own, and would be waited for.
  open.chat.close()
  open.feed.close()
  // What was busy when the closing began is idle later, and nobody else looks then; who stalls is cut off.
  const sweep = setInterval(() => app.server.closeIdleConnections(), SWEEP_MS)
  const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_TIMEOUT_MS)
  await app.close()
  clearInterval(sweep)
  clearTimeout(cut)
  await open.maintenance.stop()
  await open.realms.ledger.close()
  await open.store.close()
}

function originOf(app: FastifyInstance, { listen: { host }, tls }: Config): string {
  // A server that listens on TCP has an AddressInfo.
  const { port } = app.server.address() as AddressInfo
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
