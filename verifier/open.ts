import { hostname } from 'node:os'
import type { Clock } from '@rescind/core'
import { isDisplayName } from '@rescind/core/bytes'
import { Engine } from './engine.ts'
import { type ConnectionState, isOnStale, type OnStale } from './results.ts'
import { httpTransport } from './source/http.ts'
import { TIMERS } from './source/timers.ts'
import type { Trouble } from './source/trouble.ts'
import { Verifier } from './verifier.ts'

export type VerifierOptions = {
  /** The server's URL: https, or http on this machine. */
  readonly url: string
  /**
   * The verifier's key, from the server's seed file or from POST /control/v1/verifiers. `undefined` is refused when the
   * verifier opens; the type allows it so that a variable of the environment can be given as it is.
   */
  readonly key: string | undefined
  /** How long this verifier may go without hearing from the server before it counts as stale. */
  readonly maxStalenessMs?: number
  readonly onStale?: OnStale
  /** Keeps the known state over a restart. Only this user can read it, because it holds a secret of the realm. */
  readonly stateFile?: string
  /**
   * The name of this process in the server's lists and receipts; default: the host name. Verifiers that share a follower use
   * the label of the first one.
   */
  readonly label?: string
  /** Called when `verifier.state` changes, with the reason if something failed; `forked` and `refused` need an operator. */
  readonly onState?: (state: ConnectionState, trouble: Trouble | undefined) => void
}

const STALENESS_DEFAULT_MS = 5_000
const STALENESS_MIN_MS = 100
const STALENESS_MAX_MS = 3_600_000
const LABEL_MAX_CHARS = 128

const CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

/** Engines by server, key and bound; the server sees each as one instance. */
const ENGINES: Map<string, Engine> = new Map()

/**
 * Opens a verifier that follows its server from now on. Until it has heard enough, it answers `unknown`: await `ready()`
 * before you serve. Close it when you stop.
 * @throws TypeError for invalid options: an http URL to another machine, an empty key, a bound out of range.
 */
export function openVerifier(options: VerifierOptions): Verifier {
  const { maxStalenessMs: boundMs = STALENESS_DEFAULT_MS, onStale = 'refuse' } = options
  const url = serverUrl(options.url)
  if (typeof options.key !== 'string' || options.key === '')
    throw new TypeError('key: give a verifier key; the variable that should hold it may not be set')
  if (!(boundMs >= STALENESS_MIN_MS && boundMs <= STALENESS_MAX_MS))
    throw new TypeError(`maxStalenessMs: must be between ${STALENESS_MIN_MS} and ${STALENESS_MAX_MS}`)
  if (!isOnStale(onStale)) throw new TypeError("onStale: must be 'refuse', 'ask' or 'allow'")
  const label = options.label ?? hostname().slice(0, LABEL_MAX_CHARS)
  if (typeof label !== 'string' || label.length > LABEL_MAX_CHARS || !isDisplayName(label))
    throw new TypeError(`label: must be text without hidden characters, at most ${LABEL_MAX_CHARS} long`)
  const path = options.stateFile
  const engine = engineFor(url, options.key, { boundMs: Math.floor(boundMs), label })
  const verifier = new Verifier({
    engine,
    timers: TIMERS,
    onStale,
    onState: options.onState,
    stateFile: path === undefined ? undefined : engine.stateFileAt(path),
  })
  verifier.start()
  return verifier
}

type Told = { readonly boundMs: number; readonly label: string }

/** The running engine, with the label that it was opened with; otherwise a new one. */
function engineFor(url: URL, key: string, { boundMs, label }: Told): Engine {
  const name = JSON.stringify([url.href, key, boundMs])
  const running = ENGINES.get(name)
  if (running !== undefined) return running
  const onOver = (): void => void ENGINES.delete(name)
  const transport = httpTransport(url, key)
  const parts = { transport, clock: CLOCK, timers: TIMERS, chance: Math.random, boundMs, label, onOver }
  const engine = new Engine(parts)
  ENGINES.set(name, engine)
  return engine
}

/** Eavesdroppers could read the key over plain http, except within this machine. */
function serverUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new TypeError('url: not a URL')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new TypeError('url: must be https; plain http is allowed only to this machine')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError('url: must have only scheme, host and path')
  return url
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
