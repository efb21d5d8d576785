import { ISSUERS, type IssuerValue, publishedKeys, type Realm } from '@rescind/authority'
import type { JsonObject } from '@rescind/core/bytes'
import { exportVerificationJwk } from '@rescind/core/tokens'
import { type Answer, jsonAnswer, type Stale } from '@rescind/dialects'
import { type Format, type InstanceView, type Polled, type Refused, STALE_POLICIES } from '@rescind/feed'
import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'
import { noteReport, REPORT_MEMBERS } from '../../receipts/reported.ts'
import { displayName } from '../../records/text-schemas.ts'
import { nameOfKey } from '../frame/by.ts'
import { type Ask, type ControlParts, type Endpoint, endpoint } from '../frame/endpoint.ts'

const BOUND_MIN_MS = 100
const BOUND_MAX_MS = 3_600_000
const WAIT_MAX_SECONDS = 60
/** How long a verifier may take to receive a whole snapshot, because others wait for its slot. */
const SEND_TIMEOUT_MS = 60_000
const LABEL_MAX_CHARS = 128

const position = z.string().min(1).max(512)
const instance = z.string().min(1).max(64)
const label = displayName(LABEL_MAX_CHARS)
const bound = z.int().min(BOUND_MIN_MS).max(BOUND_MAX_MS)
const FLOOR = { position, floor: z.number() }

const STREAM_QUERY = z.object({
  /** The last position that was applied; absent: start at the head. */
  after: position.optional(),
  /** Milliseconds that the caller may be behind before it refuses. Absent: revocations do not wait for this reader. */
  bound: bound.optional(),
  onStale: z.enum(STALE_POLICIES).optional(),
  /** The id that an earlier `hello` gave: the same running verifier has come back. */
  instance: instance.optional(),
  /** The operator's name for it, in lists and receipts. */
  label: label.optional(),
  /** Seconds that a long poll (`Accept: application/json`) may take. */
  wait: z.int().min(0).max(WAIT_MAX_SECONDS).optional(),
})

const STREAM: Endpoint = endpoint({
  method: 'GET',
  path: '/feed',
  operation: 'readFeed',
  summary: 'The log as it is committed: server-sent events, NDJSON or long poll, as Accept asks',
  role: 'viewer',
  callers: ['verifier'],
  rateClass: 'feed',
  query: STREAM_QUERY,
  answers: { 200: { what: 'hello, then rows, until reset', type: 'text/event-stream' } },
  problems: [409],
  handle: stream,
})

const SNAPSHOT: Endpoint = endpoint({
  method: 'GET',
  path: '/feed/snapshot',
  operation: 'readFeedSnapshot',
  summary: 'Everything that can turn a verdict, at one position',
  role: 'viewer',
  callers: ['verifier'],
  rateClass: 'feed',
  answers: { 200: { what: 'A snapshot (docs/feed.md)', type: 'application/octet-stream' } },
  handle: snapshot,
})

const CONFIG: Endpoint = endpoint({
  method: 'GET',
  path: '/feed/config',
  operation: 'readFeedConfig',
  summary: 'What a verifier needs to judge tokens by itself: the digest key, signing keys, issuers',
  role: 'viewer',
  callers: ['verifier'],
  rateClass: 'feed',
  answers: {
    200: {
      what: 'The configuration; its digest key is a secret',
      schema: z.strictObject({
        realm: z.string(),
        ...FLOOR,
        digestKey: z.string(),
        keys: z.array(z.record(z.string(), z.json())),
        issuers: z.array(
          z.strictObject({
            issuer: z.string(),
            algorithms: z.array(z.string()),
            audience: z.array(z.string()).optional(),
            types: z.array(z.string()).optional(),
            claims: z.record(z.string(), z.string()),
            skewSeconds: z.number(),
            maxLifetimeSeconds: z.number(),
            withoutIat: z.boolean().optional(),
            /** Absent while they are unavailable, when no signature can be judged. */
            keys: z.array(z.record(z.string(), z.json())).optional(),
          }),
        ),
      }),
    },
  },
  handle: config,
})

const ACK_BODY = z.strictObject({
  instance,
  position,
  bound,
  ...REPORT_MEMBERS,
  /** The instance is stopping and judges nothing any more. */
  leaving: z.boolean().optional(),
})

const ACK: Endpoint = endpoint({
  method: 'POST',
  path: '/feed/acks',
  operation: 'acknowledgeFeed',
  summary: 'Say what was applied, and learn where the log ends now: the proof of freshness',
  role: 'viewer',
  callers: ['verifier'],
  rateClass: 'feed',
  // Every question is new: a repeated answer would prove nothing.
  idempotency: 'own',
  asOfNow: 'own',
  body: ACK_BODY,
  answers: {
    200: {
      what: 'The end of the log, read after this was asked',
      schema: z.strictObject({ ...FLOOR, chain: z.string() }),
    },
  },
  handle: acknowledge,
})

export const FEED_ENDPOINTS: readonly Endpoint[] = [STREAM, SNAPSHOT, CONFIG, ACK]

type StreamAsk = Ask<z.output<typeof STREAM_QUERY>>

async function stream({ parts, realm, by, request, query }: StreamAsk): Promise<Answer | Stale> {
  const feed = parts.feed.of(realm)
  // A browser's EventSource reconnects with the id of the last event that it saw; an empty id counts as none (WHATWG
  // HTML §9.2).
  const last = request.header('last-event-id')?.trim()
  const after = query.after ?? (last === '' ? undefined : last)
  const type = formatOf(request.header('accept'))
  if (type === 'poll') return polled(parts, realm, await feed.poll(by.id, after, (query.wait ?? 0) * 1_000))
  const connected = await feed.connect({
    id: by.id,
    caller: by.caller,
    after,
    boundMs: query.bound,
    onStale: query.onStale ?? 'refuse',
    instance: query.instance,
    label: query.label,
    format: type,
  })
  switch (connected.kind) {
    case 'stale':
      return 'stale'
    case 'full':
      return FULL
    case 'forged':
    case 'fork':
      return refusal(parts, realm, connected)
    case 'open':
      return { status: 200, headers: STREAM_HEADERS[type], body: { attach: connected.attach } }
  }
}

const FULL: Problem = problem(429, 'this key or this realm has too many open streams; close some first', {
  'retry-after': '5',
})
const UNCACHED = { 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }
const STREAM_HEADERS: Readonly<Record<Format, Answer['headers']>> = {
  sse: { ...UNCACHED, 'content-type': 'text/event-stream; charset=utf-8' },
  ndjson: { ...UNCACHED, 'content-type': 'application/x-ndjson; charset=utf-8' },
}

function formatOf(accept: string | undefined): Format | 'poll' {
  if (accept?.includes('text/event-stream') === true) return 'sse'
  if (accept?.includes('application/x-ndjson') === true) return 'ndjson'
  return accept?.includes('application/json') === true ? 'poll' : 'sse'
}

function polled(parts: ControlParts, realm: Realm, answer: Polled): Answer | Promise<Answer> {
  if (answer.kind === 'forged' || answer.kind === 'fork') return refusal(parts, realm, answer)
  if (answer.kind === 'full') return FULL
  const { position: at, floor } = answer
  if (answer.kind === 'reset') return jsonAnswer(200, { reset: true, position: at, floor, events: [] })
  const json = `{"position":"${at}","floor":${floor},"events":[${answer.events.join(',')}]}`
  return { status: 200, headers: { ...UNCACHED, 'content-type': 'application/json' }, body: json }
}

/** Refuses a position. One that proves a rollback is refused only after the whole realm has stopped acknowledging. */
async function refusal({ feed }: ControlParts, realm: Realm, refused: Refused): Promise<Problem> {
  if (refused.kind === 'forged') return problem(400, 'the position was not issued by this server')
  await feed.forked(realm, refused.checkpoint)
  return problem(
    409,
    'the position lies beyond this log or belongs to another history: the log was rolled back',
  )
}

async function snapshot({ parts, realm, by, request }: Ask): Promise<Answer> {
  const leave = await parts.feed.turnstile.enter(by.id)
  const made = parts.feed.of(realm).snapshots.get()
  const { bytes, position: at } = await made.catch((error: unknown) => {
    leave()
    throw error
  })
  const etag = `"${at}"`
  const headers = { ...UNCACHED, etag, 'content-type': 'application/octet-stream' }
  if (request.header('if-none-match') === etag) {
    leave()
    return { status: 304, headers, body: '' }
  }
  return {
    status: 200,
    headers: { ...headers, 'content-length': String(bytes.length) },
    body: {
      attach: (sink) => {
        sink.onClose(leave)
        sink.write(bytes)
        sink.end(SEND_TIMEOUT_MS)
      },
    },
  }
}

async function config({ parts, realm }: Ask): Promise<Answer> {
  const at = await parts.feed.of(realm).headText()
  const keys = await publishedKeys(realm)
  const issuers: JsonObject[] = []
  for await (const { value } of realm.directory.all(ISSUERS)) {
    if (value.enabled) issuers.push(await issuerJson(parts, realm.name, value))
  }
  const { digestKey } = realm.keys
  return jsonAnswer(200, {
    realm: realm.name,
    position: at,
    floor: realm.durableFloorMs,
    digestKey,
    keys,
    issuers,
  })
}

async function issuerJson({ keySets }: ControlParts, realm: string, value: IssuerValue): Promise<JsonObject> {
  const { issuer, algorithms, audience, types, claims, skewSeconds, maxLifetimeSeconds, withoutIat } = value
  const keys = await keySets.keysOf(realm, value)
  return {
    issuer,
    algorithms,
    ...(audience === undefined ? {} : { audience }),
    ...(types === undefined ? {} : { types }),
    claims: { ...claims },
    skewSeconds,
    maxLifetimeSeconds,
    ...(withoutIat === true ? { withoutIat } : {}),
    ...(keys === undefined ? {} : { keys: keys.map(exportVerificationJwk) }),
  }
}

type AckAsk = Ask<unknown, z.output<typeof ACK_BODY>>

async function acknowledge({ parts, realm, by, body }: AckAsk): Promise<Answer | Stale> {
  const feed = parts.feed.of(realm)
  // An instance that says goodbye is not known afterwards.
  const known = feed.instances.get(body.instance)
  const acked = await feed.acknowledge({
    id: by.id,
    caller: by.caller,
    instance: body.instance,
    position: body.position,
    boundMs: body.bound,
    reports: body.accepted !== undefined,
    leaving: body.leaving ?? false,
  })
  switch (acked.kind) {
    case 'stale':
      return 'stale'
    case 'no-instance':
      return problem(404, 'no such instance: connect to the feed again')
    case 'forged':
    case 'fork':
      return refusal(parts, realm, acked)
    case 'acked':
      await noteReport(realm, { verifier: nameOfKey(realm, by), instance: instanceName(known, body) }, body)
      return jsonAnswer(200, { position: acked.position, chain: acked.chain, floor: acked.floor })
  }
}

/** What an operator knows the instance by. */
function instanceName(
  known: InstanceView | undefined,
  { instance: id }: { readonly instance: string },
): string {
  return known?.label === undefined || known.label === '' ? id : known.label
}
