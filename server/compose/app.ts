import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { Realm, Realms } from '@rescind/authority'
import { isOutage, NotReadable, RealmOutOfOrder } from '@rescind/core'
import type { Answer, Dialect, Refusal } from '@rescind/dialects'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { CONTROL_PREFIX, type ControlApi } from '../control/api.ts'
import type { Check } from '../gateway/check.ts'
import { ClientErrors } from '../http/client-errors.ts'
import { ConnectionShares } from '../http/connection-shares.ts'
import type { Denials } from '../http/denials.ts'
import type { Links } from '../http/dialled.ts'
import { FastPath, type FastPathParts, type FastRequest } from '../http/fast-path.ts'
import type { FastRoute } from '../http/fast-path-head.ts'
import { Handshakes } from '../http/handshakes.ts'
import { HEADERS_MAX_BYTES, malformation } from '../http/malformed-requests.ts'
import { refusalProblem } from '../http/problem.ts'
import { BODY_MAX_BYTES, readBody, StreamTooLarge, streamedBody } from '../http/read-body.ts'
import { writeAnswer } from '../http/reply.ts'
import type { RequestLines } from '../http/request-lines.ts'
import {
  CHECK_PREFIX,
  checkTargetOf,
  HeaderMalformed,
  isCheckPath,
  NodeWireRequest,
  type Target,
  targetOf,
} from '../http/wire.ts'
import type { Metrics } from '../machine/metrics.ts'
import { isTrustedHop, peerOf } from '../machine/net/peer.ts'

/** Milliseconds for a request to arrive whole, and for an idle connection to stay. */
const REQUEST_TIMEOUT_MS = 15_000
/** For a streamed body to arrive whole, a long list of leaked tokens over a slow line. */
const STREAM_TIMEOUT_MS = 600_000
const KEEP_ALIVE_TIMEOUT_MS = 72_000

/** What every verifier asks all the time: a hundred of them go stale together on a server that is busy with their headers. */
const VERIFIERS_PATHS = [`${CONTROL_PREFIX}/feed/acks`, `${CONTROL_PREFIX}/verify`] as const

export type AppParts = Links & {
  readonly realms: Realms
  readonly dialects: readonly MountedDialect[]
  readonly check: Check
  readonly control: ControlApi
  readonly ops: ReadonlyMap<string, (request: NodeWireRequest) => Promise<Answer>>
  readonly metrics: Metrics
  readonly denials: Denials
  readonly lines: RequestLines
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** The path of the public URL, without a slash at its end; empty for none. */
  readonly publicPath: string
  /** Milliseconds that requests in flight have to finish once the server stops. */
  readonly drainTimeoutMs: number
}

/** A dialect and the path prefixes that are its own; each is a whole first segment. */
export type MountedDialect = { readonly dialect: Dialect; readonly prefixes: readonly string[] }

/** One way of answering: who handles a request, and who words its refusals. */
type Mount = {
  readonly handle: (request: NodeWireRequest) => Answer | Promise<Answer>
  readonly refuse: (refusal: Refusal, path: string, accept?: string) => Answer
  readonly routeOf: (request: NodeWireRequest) => string
  /** One credential is judged, and nothing else: no body is waited for, and nothing about a request is malformed. */
  readonly judgesAlone?: true
  /** Which requests bring a body that is not to be buffered, and how long it may be. */
  readonly streamOf?: (method: string, path: string) => { readonly maxBytes: number } | undefined
}

/**
 * The shell: Fastify routes by prefix to a mount, closes down gracefully, and nothing else. Paths, methods, bodies
 * and errors are each dialect's own (docs/decisions/0003-http-shell.md).
 */
export function createApp(parts: AppParts): FastifyInstance {
  const scheme = parts.tls === undefined ? 'http' : 'https'
  const clientErrors = new ClientErrors(parts.check.refuse)
  const check = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack()
    clientErrors.note(request.raw, reply.raw)
    const target = checkTargetOf(request.raw.url ?? '/')
    const mount = checkMount(parts, target.realm)
    serve(parts, { scheme, target, mount, message: request.raw, response: reply.raw })
  }
  const app = makeFastify(parts, { clientErrors, check })
  for (const method of http.METHODS) {
    // Bodies are read by ourselves, for every method alike: a DELETE has one here.
    if (method !== 'CONNECT') app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  }
  const root: Mount = {
    handle: () => refusalProblem({ kind: 'not-found' }),
    refuse: refusalProblem,
    routeOf: () => 'other',
  }
  const answerWith =
    (mountOf: (target: Target) => Mount) => (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      const { raw: message } = request
      const target = targetOf(message.url ?? '/', parts.publicPath)
      const mount = mountOf(target)
      const refuse = (refusal: Refusal): Answer => mount.refuse(refusal, target.path, message.headers.accept)
      clientErrors.reading({ message, response: reply.raw, refuse })
      serve(parts, { scheme, target, mount, message, response: reply.raw })
    }
  const hot = new Map<string, FastRoute<Mount>>()
  for (const { dialect, prefixes } of parts.dialects) {
    const ofDefault = dialectMount(parts, undefined, dialect)
    const handler = answerWith((target) =>
      target.realm === undefined ? ofDefault : dialectMount(parts, target.realm, dialect),
    )
    void app.register(async (scope) => mountAll(scope, prefixes, handler))
    for (const path of dialect.hotPaths) {
      const target = { realm: undefined, path, query: undefined }
      hot.set(`POST ${path} HTTP/1.1`, { method: 'POST', target, mount: ofDefault })
    }
  }
  void app.register(async (scope) => mountAll(scope, [CHECK_PREFIX], check))
  const controlMount: Mount = {
    handle: parts.control.handle,
    refuse: refusalProblem,
    routeOf: ({ path }) => parts.control.routeOf(path),
    streamOf: parts.control.streamOf,
  }
  const control = answerWith(() => controlMount)
  for (const path of VERIFIERS_PATHS) {
    const target = { realm: undefined, path, query: undefined }
    hot.set(`POST ${path} HTTP/1.1`, { method: 'POST', target, mount: controlMount })
  }
  void app.register(async (scope) => mountExact(scope, CONTROL_PREFIX, control))
  for (const [path, handle] of parts.ops) {
    app.all(
      path,
      answerWith(() => ({ handle, refuse: refusalProblem, routeOf: () => path })),
    )
  }
  const notFound = answerWith(() => root)
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) =>
    // Fastify does not know every form of a target that gateways may send.
    isForCheck(request) ? check(request, reply) : notFound(request, reply),
  )
  openFastPath(app, parts, { routes: hot, handOver: clientErrors.begin })
  return app
}

/** Hot requests in their plainest form are answered before Fastify, and before Node's HTTP server. */
function openFastPath(
  app: FastifyInstance,
  parts: AppParts,
  more: Pick<FastPathParts<Mount>, 'routes' | 'handOver'>,
): void {
  const scheme = parts.tls === undefined ? 'http' : 'https'
  const fastPath = new FastPath<Mount>({
    ...more,
    serve: (request, finish) => serveHot(parts, { ...request, scheme, finish }),
    nowMs: () => Date.now(),
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
  })
  // A TLS server is one of HTTP to whoever listens for its connections.
  fastPath.attach(app.server, parts.tls === undefined ? 'connection' : 'secureConnection')
  const handshakes = new Handshakes()
  if (parts.tls !== undefined) handshakes.attach(app.server)
  let disconnecting: NodeJS.Timeout | undefined
  app.addHook('preClose', async () => {
    fastPath.close()
    handshakes.disconnect()
    disconnecting = setTimeout(() => fastPath.disconnect(), parts.drainTimeoutMs)
  })
  app.addHook('onClose', async () => clearTimeout(disconnecting))
}

type HotExchange = FastRequest<Mount> & {
  readonly scheme: string
  readonly finish: (answer: Answer) => void
}

function serveHot(parts: AppParts, { route, headers, body, socket, scheme, finish }: HotExchange): void {
  const { method, target, mount } = route
  const peer = peerOf(socket.remoteAddress ?? '', headers, parts.proxies)
  const request = new NodeWireRequest({ method, headers, socket, target, body, peer, scheme, links: parts })
  void answer(parts, { mount, request, write: finish })
}

type Edges = { readonly clientErrors: ClientErrors; readonly check: Handler }

function makeFastify(parts: AppParts, { clientErrors, check }: Edges): FastifyInstance {
  const options = {
    bodyLimit: BODY_MAX_BYTES,
    // Streamed bodies may take long; buffered ones have a time of their own (read-body.ts), and so have headers.
    requestTimeout: STREAM_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle' as const,
    // What still comes on an open connection is in flight: it is answered by its dialect, and the last on it.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    logger: false as const,
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    clientErrorHandler: clientErrors.answer,
    frameworkErrors: (_error: Error, request: FastifyRequest, reply: FastifyReply) => {
      if (isForCheck(request)) {
        check(request, reply)
        return
      }
      reply.hijack()
      const target = targetOf(request.raw.url ?? '/', parts.publicPath)
      const mounted = parts.dialects.find(({ prefixes }) =>
        prefixes.some((prefix) => isUnder(target.path, prefix)),
      )
      const refuse = mounted?.dialect.refuse ?? refusalProblem
      writeAnswer(
        reply.raw,
        request.raw,
        refuse(
          { kind: 'malformed', detail: 'the path is not well-formed' },
          target.path,
          request.raw.headers.accept,
        ),
      )
    },
  }
  // A missing Host is refused by `malformation`, in the words of whoever's path it is; Node's 400 has no body.
  const server = {
    maxHeaderSize: HEADERS_MAX_BYTES,
    requireHostHeader: false,
    headersTimeout: REQUEST_TIMEOUT_MS,
    // For TLS; over plain connections it is Node's own choice.
    allowHalfOpen: true,
  }
  // The two calls differ in type only: https takes the same options and a key pair.
  const app =
    parts.tls === undefined
      ? fastify({ ...options, http: server })
      : (fastify({
          ...options,
          https: { ...server, handshakeTimeout: REQUEST_TIMEOUT_MS, ...parts.tls },
        }) as unknown as FastifyInstance)
  new ConnectionShares((address) => isTrustedHop(address, parts.proxies)).attach(app.server)
  // Who has said all it has to say is still to be answered: Node would drop the answer of what was done already.
  Object.assign(app.server, { httpAllowHalfOpen: true })
  // Bounded by their bytes alone: Node would drop those beyond the thousandth, a second credential among them.
  app.server.maxHeadersCount = 0
  // RFC 9110 §10.1.1 lets a server pass over expectations that it does not know; Node's 417 has no body.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.server.maxRequestsPerSocket = 0
  return app
}

type Handler = (request: FastifyRequest, reply: FastifyReply) => void

function mountAll(scope: FastifyInstance, prefixes: readonly string[], handler: Handler): void {
  for (const prefix of prefixes) {
    mountExact(scope, prefix, handler)
    mountExact(scope, `/realms/:realm${prefix}`, handler)
  }
}

function mountExact(scope: FastifyInstance, prefix: string, handler: Handler): void {
  scope.all(prefix, handler)
  if (prefix !== '/' && !prefix.endsWith(':realm/')) scope.all(`${prefix}/*`, handler)
}

function isForCheck({ raw }: FastifyRequest): boolean {
  return isCheckPath(checkTargetOf(raw.url ?? '/').path)
}

function isUnder(path: string, prefix: string): boolean {
  return path === prefix || (prefix !== '/' && path.startsWith(`${prefix}/`))
}

type InRealm = (realm: Realm | undefined) => Answer | Promise<Answer>

/**
 * Called when a request has come whole. A realm that is there already costs the hot paths no promise.
 * @throws RealmOutOfOrder, StoreUnavailable, by the promise.
 */
function inRealm(realms: Realms, name: string | undefined, next: InRealm): Answer | Promise<Answer> {
  const ready = realms.ready(name)
  return ready === undefined ? realms.served(name).then(next) : next(ready)
}

function dialectMount({ realms }: AppParts, name: string | undefined, dialect: Dialect): Mount {
  return {
    handle: (request) =>
      inRealm(realms, name, (realm) =>
        realm === undefined
          ? dialect.refuse({ kind: 'not-found' }, request.path, request.header('accept'))
          : dialect.handle(realm, request),
      ),
    refuse: dialect.refuse,
    routeOf: (request) => dialect.routeOf(request),
  }
}

function checkMount({ realms, check }: AppParts, name: string | undefined): Mount {
  const handle = (request: NodeWireRequest): Answer | Promise<Answer> =>
    inRealm(realms, name, (realm) =>
      // A prefix that is `/check` only once it is decoded is no gateway's.
      realm === undefined || !isCheckPath(request.path)
        ? check.refuse({ kind: 'not-found' })
        : check.handle(realm, request),
    )
  return { handle, refuse: check.refuse, routeOf: check.routeOf, judgesAlone: true }
}

type Exchange = {
  readonly scheme: string
  readonly target: Target
  readonly mount: Mount
  readonly message: IncomingMessage
  readonly response: ServerResponse
}

function serve(parts: AppParts, exchange: Exchange): void {
  const { mount, message, response, target, scheme } = exchange
  const wrong = mount.judgesAlone === true ? undefined : malformation(message)
  if (wrong !== undefined) {
    refuseEarly(parts, exchange, { kind: 'malformed', detail: wrong })
    return
  }
  const { method = 'GET', headers, rawHeaders, socket } = message
  const { maxBytes } = mount.streamOf?.(method, target.path) ?? {}
  const run = (body: Uint8Array): void => {
    const peer = peerOf(socket.remoteAddress ?? '', headers, parts.proxies)
    const stream = maxBytes === undefined ? {} : { stream: () => streamedBody(message, maxBytes) }
    const wire = { method, headers, rawHeaders, socket, target, body, peer, scheme, links: parts, ...stream }
    void answer(parts, {
      mount,
      request: new NodeWireRequest(wire),
      write: (result) => writeAnswer(response, message, result),
      brokeOff: () => message.destroyed && !message.complete,
    })
  }
  if (maxBytes !== undefined) {
    // What the endpoint leaves unread must not be taken for the next request.
    response.setHeader('connection', 'close')
    run(NO_BYTES)
    return
  }
  // Node reads and drops what is left of a body when the answer is out.
  if (mount.judgesAlone === true) return run(NO_BYTES)
  readBody(message, (read) => {
    if (read.kind === 'aborted') return
    if (read.kind === 'body') return run(read.bytes)
    // What is still coming will not be read, so this connection is of no further use.
    response.setHeader('connection', 'close')
    refuseEarly(parts, exchange, { kind: read.kind === 'too-slow' ? 'timeout' : 'too-large' })
  })
}

const NO_BYTES = new Uint8Array(0)

/** What is refused before there is a request to route: counted under one name, for its path cannot be trusted. */
function refuseEarly(
  { metrics }: AppParts,
  { mount, message, response, target }: Exchange,
  why: Refusal,
): void {
  const answer = mount.refuse(why, target.path, message.headers.accept)
  metrics.answered('refused early', answer.status)
  writeAnswer(response, message, answer)
}

type Answering = {
  readonly mount: Mount
  readonly request: NodeWireRequest
  readonly write: (answer: Answer) => void
  /** Whether the client left before its body had come. */
  readonly brokeOff?: () => boolean
}

/** The edge where exceptions end: outages become 503, broken headers 400, bugs 500. */
async function answer(parts: AppParts, { mount, request, write, brokeOff }: Answering): Promise<void> {
  const finish = (result: Answer): void => {
    write(result)
    const route = mount.routeOf(request)
    parts.metrics.answered(route, result.status)
    if (result.status === 401 || result.status === 403) parts.denials.note(route, result.status, request)
  }
  try {
    finish(await mount.handle(request))
  } catch (error) {
    // A streamed body that broke off: nobody is there to be answered, and it is no failure of ours.
    if (brokeOff?.() === true) return
    const of = { route: mount.routeOf(request), from: request.from }
    finish(mount.refuse(refusalOf(error, parts.lines, of), request.path, request.accept))
  }
}

type Failed = { readonly route: string; readonly from: string }

function refusalOf(error: unknown, lines: RequestLines, of: Failed): Refusal {
  if (error instanceof HeaderMalformed) return { kind: 'malformed', detail: error.message }
  if (error instanceof StreamTooLarge) return { kind: 'too-large' }
  if (isOutage(error)) {
    lines.write('warn', { ...of, reason: error.message, cause: reasonOf(error.cause) }, 'could not answer')
    const lasts = error instanceof RealmOutOfOrder || error instanceof NotReadable
    return lasts ? { kind: 'outage', advice: error.message } : { kind: 'outage' }
  }
  // Only what the code itself says about the failure: a request's contents never reach the log.
  const text = error instanceof Error ? error.stack : String(error)
  lines.write('error', { ...of, error: text }, 'failed to answer')
  return { kind: 'bug' }
}

function reasonOf(cause: unknown): string | undefined {
  return cause instanceof Error ? cause.message : undefined
}
