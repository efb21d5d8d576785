import type { Realm } from '@rescind/authority'
import { LIFETIME_MAX_MS, SettingsRefused } from '@rescind/core'
import type { RawToken } from '@rescind/core/tokens'
import { addressShare } from '../wire/address.ts'
import type { Answer, Refusal } from '../wire/answer.ts'
import { acknowledgesUnless, type Dialect } from '../wire/dialect.ts'
import { splitPath } from '../wire/path.ts'
import { RateLimit } from '../wire/rate.ts'
import type { WireRequest } from '../wire/request.ts'
import { allowOf } from '../wire/router.ts'
import { Scans } from '../wire/scans.ts'
import type { Call, Settings } from './call.ts'
import { MessageLimits } from './session/message-limits.ts'
import { type Notifier, SILENT } from './session/notifier.ts'
import { PasscodeGuesses } from './session/passcode-guesses.ts'
import type { PasswordCheck } from './session/password-check.ts'
import { parseOwn } from './session/token-context.ts'
import { faultOf, overLimit, withReason, writeV2Fault } from './v2/faults.ts'
import { type Format, formatOf, inFormat, withoutSuffix } from './v2/format.ts'
import { V2_ROUTER } from './v2/routes.ts'
import { refusalAnswer } from './v3/answers.ts'
import { handleV3, isV3, templateOfV3 } from './v3/dialect.ts'

const TOKEN_LIFE_SECONDS = 86_400
const RATE_PER_SECOND = 50
const REGION = 'RegionOne'

export type IdentityOptions = {
  readonly passwords: PasswordCheck
  /** Requests per second of one caller; 0 switches the limit off. Default 50. */
  readonly ratePerSecond?: number
  /** Room for lists, shared with other dialects. Default: the dialect has its own. */
  readonly scans?: Scans
  /** Default 24 hours. */
  readonly tokenLifeSeconds?: number
  /** Whether a rescoped token ends with the token that it was made from. Default: no. */
  readonly chainRevocation?: boolean
  /** Sends mails and text messages. Default: none are sent. */
  readonly notifier?: Notifier
  /** The region in catalogs and users. */
  readonly region?: string
}

/**
 * Rackspace Cloud Identity v2.0 in JSON and XML; errors of v3 paths have v3's form.
 * @throws SettingsRefused for a token life that no realm allows.
 */
export function createIdentityDialect(options: IdentityOptions): Dialect {
  const settings = settingsOf(options)
  return {
    name: 'identity',
    hotPaths: [],
    handle: (realm, request) => handle(settings, realm, request),
    refuse: (refusal, path, accept) =>
      isV3(path)
        ? refusalAnswer(refusal)
        : withReason(inFormat(writeV2Fault(faultOf(refusal)), formatFor(path, accept))),
    routeOf,
    acknowledges: acknowledgesUnless(ISSUING, routeOf),
  }
}

const ISSUING: ReadonlySet<string> = new Set([
  'POST /v2.0/tokens',
  'POST /v2.0/RAX-AUTH/impersonation-tokens',
  'POST /v3/auth/tokens',
])

function routeOf({ path }: Pick<WireRequest, 'path'>): string {
  return templateOf(path)
}

function settingsOf(options: IdentityOptions): Settings {
  const tokenLifeMs = (options.tokenLifeSeconds ?? TOKEN_LIFE_SECONDS) * 1_000
  if (!Number.isInteger(tokenLifeMs) || tokenLifeMs <= 0 || tokenLifeMs > LIFETIME_MAX_MS)
    throw new SettingsRefused('the life of an Identity token must be above 0 seconds and at most 400 days')
  return {
    passwords: options.passwords,
    tokenLifeMs,
    region: options.region ?? REGION,
    rate: new RateLimit(options.ratePerSecond ?? RATE_PER_SECOND),
    scans: options.scans ?? new Scans(),
    passcodes: new PasscodeGuesses(),
    messages: new MessageLimits(),
    notifier: options.notifier ?? SILENT,
    isChained: options.chainRevocation ?? false,
  }
}

/** The format of a v2.0 answer; v3 is always JSON. */
function formatFor(path: string, accept: string | undefined): Format | undefined {
  return withoutSuffix(path).format ?? formatOf(accept)
}

async function handle(settings: Settings, realm: Realm, request: WireRequest): Promise<Answer> {
  const call = new IncomingCall(settings, realm, request)
  if (isV3(request.path)) return handleV3(call, () => settings.rate.take(rateKey(call), realm.nowMs()))
  const format = formatFor(request.path, request.header('accept'))
  return withReason(inFormat(await answerTo(call, format), format))
}

/** Parses the header only when it is first read, so that calls that ignore it work with any content. */
class IncomingCall implements Call {
  readonly realm: Realm
  readonly request: WireRequest
  readonly settings: Settings
  #parsed: RawToken | 'not yet' | undefined = 'not yet'

  constructor(settings: Settings, realm: Realm, request: WireRequest) {
    this.settings = settings
    this.realm = realm
    this.request = request
  }

  get presented(): RawToken | undefined {
    if (this.#parsed === 'not yet') {
      const text = this.request.header('x-auth-token')
      this.#parsed = text === undefined ? undefined : parseOwn(this.realm, text)
    }
    return this.#parsed
  }
}

function answerTo(call: Call, format: Format | undefined): Answer | Promise<Answer> {
  const { realm, request, settings } = call
  const refuse = (refusal: Refusal): Answer => writeV2Fault(faultOf(refusal))
  const segments = splitPath(withoutSuffix(request.path).path)
  if (segments === undefined) return refuse({ kind: 'malformed', detail: 'The path cannot be read.' })
  const matched = V2_ROUTER.match(segments)
  if (matched === undefined) return refuse({ kind: 'not-found' })
  const { route, values } = matched
  const method = route.methods.get(request.method)
  if (method === undefined) return refuse({ kind: 'method', allow: allowOf(route) })
  const waitSeconds = route.isRateLimited ? settings.rate.take(rateKey(call), realm.nowMs()) : 0
  if (waitSeconds > 0) return overLimit(waitSeconds, realm.nowMs())
  if (method.hasBody && format === undefined)
    return writeV2Fault({
      name: 'notAcceptable',
      message: 'Only application/json and application/xml can be answered.',
    })
  return method.handler(call, values)
}

/**
 * The key that a request's rate limit counts by. A login counts by its address, whatever token it presents, because
 * otherwise password guesses could use a new token each time. A request with a malformed token counts by address too.
 */
function rateKey(call: Call): string {
  const { realm, request } = call
  const presented = request.method === 'POST' ? undefined : call.presented
  return presented === undefined
    ? `from:${addressShare(request.from)}`
    : `token:${presented.digest(realm.keys.digestKey)}`
}

function templateOf(path: string): string {
  if (isV3(path)) return templateOfV3(path)
  const segments = splitPath(withoutSuffix(path).path)
  const matched = segments === undefined ? undefined : V2_ROUTER.match(segments)
  if (matched !== undefined) return matched.route.template
  return path.startsWith('/v2.0/') ? '/v2.0/*' : '/*'
}
