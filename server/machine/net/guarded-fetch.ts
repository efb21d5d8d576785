import { lookup } from 'node:dns/promises'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, type ZlibOptions } from 'node:zlib'
import { type FetchShare, FetchShares } from './fetch-shares.ts'
import { isInternalAddress } from './internal-address.ts'

export type FetchAsk = {
  readonly share: FetchShare
  readonly method?: 'GET' | 'POST'
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes of the answer's body; a longer one is given up. */
  readonly maxBytes: number
  /** Milliseconds for the name, the connection and the whole body together. */
  readonly timeoutMs: number
  /** For tests only: also fetch from internal addresses, and by plain http from them. */
  readonly allowInternal?: boolean
  /** Certificates (PEM) to trust instead of the system's. */
  readonly trusted?: string
  /** Resolves a name to addresses; absent: the system's resolver. */
  readonly resolve?: Resolve
}

export type Address = { readonly address: string; readonly family: number }
export type Resolve = (hostname: string) => Promise<readonly Address[]>

export type FetchFailure =
  /** Not a URL, not https, or a URL that contains credentials. */
  | 'bad-url'
  | 'unresolvable'
  /** The name, or the URL itself, leads to an address that is not public. */
  | 'internal-address'
  /** No connection, no trusted certificate, or a connection that broke. */
  | 'unreachable'
  | 'redirect'
  | 'timeout'
  | 'too-large'
  /** In an encoding that we do not read, or damaged. */
  | 'encoded'
  /** Too many requests are under way, or this one had to give way. */
  | 'busy'

export type Fetched =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers: IncomingHttpHeaders
      readonly body: Buffer
    }
  | { readonly kind: 'failed'; readonly why: FetchFailure }

const ADDRESSES_MAX = 16

const shares = new FetchShares()

/**
 * Fetches a URL that a caller chose. It must be https. Redirects are not followed; time, size and number are bounded;
 * connections are neither shared nor kept. Internal addresses are refused: the resolved address is checked, and that
 * same address is dialled, so a DNS answer that changes in between gains nothing. Never rejects: a failure is a value,
 * and holds nothing of what was sent.
 */
export async function guardedFetch(url: string, ask: FetchAsk): Promise<Fetched> {
  const giveUp = new AbortController()
  const leave = shares.enter(ask.share, () => giveUp.abort())
  if (leave === undefined) return failed('busy')
  const deadline = AbortSignal.any([AbortSignal.timeout(ask.timeoutMs), giveUp.signal])
  const expired = new Promise<Fetched>((done) => {
    deadline.addEventListener('abort', () => done(failed(giveUp.signal.aborted ? 'busy' : 'timeout')), {
      once: true,
    })
  })
  return Promise.race([fetchNow(url, ask, deadline), expired]).finally(leave)
}

async function fetchNow(url: string, ask: FetchAsk, deadline: AbortSignal): Promise<Fetched> {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target === undefined || target.username !== '' || target.password !== '') return failed('bad-url')
  const isPlain = target.protocol === 'http:'
  if (target.protocol !== 'https:' && !(isPlain && ask.allowInternal === true)) return failed('bad-url')
  const addresses = await addressesOf(target, ask.resolve ?? systemResolve)
  const [first] = addresses
  if (first === undefined || addresses.length > ADDRESSES_MAX) return failed('unresolvable')
  const internal = addresses.filter(({ address }) => isInternalAddress(address))
  // One internal address among public ones is enough to refuse: the outcome must not depend on which is picked.
  if (internal.length > 0 && ask.allowInternal !== true) return failed('internal-address')
  if (isPlain && internal.length < addresses.length) return failed('bad-url')
  return deadline.aborted ? failed('timeout') : send(target, ask, { address: first, deadline })
}

async function addressesOf({ hostname }: URL, resolve: Resolve): Promise<readonly Address[]> {
  const bare = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(bare)
  if (family !== 0) return [{ address: bare, family }]
  try {
    return await resolve(bare)
  } catch {
    return []
  }
}

/**
 * Look-ups that the system has under way. They cannot be cancelled, and each blocks one of few threads, so all callers
 * that ask for a name share one look-up.
 */
const lookups: Map<string, Promise<readonly Address[]>> = new Map()

const systemResolve: Resolve = (hostname) => {
  const known = lookups.get(hostname)
  if (known !== undefined) return known
  const looking = lookup(hostname, { all: true }).finally(() => lookups.delete(hostname))
  lookups.set(hostname, looking)
  return looking
}

type Way = { readonly address: Address; readonly deadline: AbortSignal }

function send(target: URL, ask: FetchAsk, { address, deadline }: Way): Promise<Fetched> {
  return new Promise((done) => {
    const body = ask.body === undefined ? undefined : Buffer.from(ask.body, 'utf8')
    const request = (target.protocol === 'https:' ? https : http).request(target, {
      method: ask.method ?? 'GET',
      headers: {
        'accept-encoding': 'identity',
        'user-agent': 'rescind',
        ...ask.headers,
        ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      },
      agent: false,
      lookup: pinnedTo(address),
      signal: deadline,
      maxHeaderSize: HEADERS_MAX_BYTES,
      ...(ask.trusted === undefined ? {} : { ca: ask.trusted }),
    })
    request.on('response', (response) => {
      void read(response, ask.maxBytes).then((fetched) => {
        request.destroy()
        done(deadline.aborted ? failed('timeout') : fetched)
      })
    })
    request.on('error', () => done(failed(deadline.aborted ? 'timeout' : 'unreachable')))
    request.end(body)
  })
}

const HEADERS_MAX_BYTES = 16_384

/** Resolves every name to the address that was checked. */
function pinnedTo(address: Address): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [{ ...address }])
    else callback(null, address.address, address.family)
  }
}

async function read(response: IncomingMessage, maxBytes: number): Promise<Fetched> {
  const status = response.statusCode ?? 0
  if (status >= 300 && status < 400) return failed('redirect')
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) return failed('too-large')
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxBytes) return failed('too-large')
      chunks.push(chunk)
    }
  } catch {
    return failed('unreachable')
  }
  const packed = Buffer.concat(chunks, length)
  const body = await unpacked(packed, response.headers['content-encoding'], maxBytes)
  return typeof body === 'string' ? failed(body) : { kind: 'answer', status, headers: response.headers, body }
}

const UNPACK = {
  gzip: promisify<Buffer, ZlibOptions, Buffer>(gunzip),
  deflate: promisify<Buffer, ZlibOptions, Buffer>(inflate),
  br: promisify<Buffer, ZlibOptions, Buffer>(brotliDecompress),
} as const

/** Only plain text is requested, but caches and file servers compress all the same, some without declaring it. */
async function unpacked(
  body: Buffer,
  encoding: string | undefined,
  maxBytes: number,
): Promise<Buffer | FetchFailure> {
  const named = (encoding ?? 'identity').trim().toLowerCase().replace(/^x-/, '')
  const isPlain = named === 'identity' || named === ''
  const way = isPlain && body[0] === 0x1f && body[1] === 0x8b ? 'gzip' : named
  if (isPlain && way !== 'gzip') return body
  if (!Object.hasOwn(UNPACK, way)) return 'encoded'
  try {
    // `way` is one of these names.
    return await UNPACK[way as keyof typeof UNPACK](body, { maxOutputLength: maxBytes })
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too-large' : 'encoded'
  }
}

function failed(why: FetchFailure): Fetched {
  return { kind: 'failed', why }
}
