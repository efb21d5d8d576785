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
  /** Where the server is: https, or http on this machine. */
  readonly url: string
  /** The verifier's key, from the server's seed file or from POST /control/v1/verifiers. */
  readonly key: string
  /** How long this verifier may not have heard from the server before it says so. */
  readonly maxStalenessMs?: number
  readonly onStale?: OnStale
  /** Keeps what is known over a restart; readable by this user alone, for it holds a secret of the realm. */
  readonly stateFile?: string
  /**
   * What the server's lists and receipts call this process: the name of its host unless it is said. Of verifiers that share
   * a follower, the label of the first counts.
   */
  readonly label?: string
  /** Told whenever `verifier.state` changes, and why where something went wrong; `forked` and `refused` need somebody to look. */
  readonly onState?: (state: ConnectionState, trouble: Trouble | undefined) => void
}

const STALENESS_DEFAULT_MS = 5_000
const STALENESS_MIN_MS = 100
const STALENESS_MAX_MS = 3_600_000
const LABEL_MAX_CHARS = 128

const CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() }

/** Those that ask the same server with the same key and bound are one instance to it. */
const ENGINES: Map<string, Engine> = new Map()

/**
 * A verifier that follows its server from now on. It answers at once, `unknown` until it has heard enough: await
 * `ready()` before you serve. Close it when you stop.
 * @throws TypeError for options that cannot be meant: an http URL beyond this machine, an empty key, a bound out of range.
 */
export function openVerifier(options: VerifierOptions): Verifier {
  const { maxStalenessMs: boundMs = STALENESS_DEFAULT_MS, onStale = 'refuse' } = options
  const url = serverUrl(options.url)
  if (typeof options.key !== 'string' || options.key === '')
    throw new TypeError('key: a verifier key is needed')
  if (!(boundMs >= STALENESS_MIN_MS && boundMs <= STALENESS_MAX_MS))
    throw new TypeError(`maxStalenessMs: between ${STALENESS_MIN_MS} and ${STALENESS_MAX_MS}`)
  if (!isOnStale(onStale)) throw new TypeError('onStale: refuse, ask or allow')
  const label = options.label ?? hostname().slice(0, LABEL_MAX_CHARS)
  if (typeof label !== 'string' || label.length > LABEL_MAX_CHARS || !isDisplayName(label))
    throw new TypeError(`label: text that shows all of itself, of at most ${LABEL_MAX_CHARS} characters`)
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

/** The running one, under the label that it was opened with. */
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

/** A key over plain http is anybody's who listens; on this machine alone nobody does. */
function serverUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null) throw new TypeError('url: not a URL')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new TypeError('url: https is needed; plain http is for this machine alone')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new TypeError('url: only scheme, host and path')
  return url
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
