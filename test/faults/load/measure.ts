import http from 'node:http'
import { CHAT } from '../../kit/seed.ts'
import { CONTROL, LOADS, type Load } from './loads.ts'
import type { Sizes } from './sizes.ts'

/** How revocations fared beside one load. */
export type Figures = {
  readonly load: string
  /** Answers of the load by status. */
  readonly answers: Readonly<Record<number, number>>
  readonly revocations: number
  /** Revocations with any answer but 201. */
  readonly failed: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  /** The longest turn of the event loop, milliseconds, as the server's own metrics say. */
  readonly longestTurn: number
}

const REVOKERS = 4
/** Chunks of an answer that are kept: enough for all of the metrics. */
const KEPT_CHUNKS = 8

/** Measures revocations beside each load in turn, and first beside none. */
export async function measure(url: string, { seconds, streams }: Sizes): Promise<readonly Figures[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 256 })
  const open = Array.from({ length: streams }, () => openStream(url, agent))
  await Promise.all(open.map(({ opened }) => opened))
  const figures: Figures[] = []
  for (const load of [undefined, ...LOADS]) figures.push(await beside(load, { url, agent, seconds }))
  for (const { close } of open) close()
  agent.destroy()
  return figures
}

type Run = { readonly url: string; readonly agent: http.Agent; readonly seconds: number }

async function beside(load: Load | undefined, { url, agent, seconds }: Run): Promise<Figures> {
  const untilMs = performance.now() + seconds * 1_000
  const goesOn = (): boolean => performance.now() < untilMs
  const answers: Record<number, number> = {}
  const tookMs: number[] = []
  let failed = 0
  await longestTurnOf(url, agent)
  const loading = Array.from({ length: load?.width ?? 0 }, async () => {
    while (load !== undefined && goesOn()) {
      const status = (await call(agent, { ...load, url: url + load.path })).status
      answers[status] = (answers[status] ?? 0) + 1
      // A refused caller waits before it comes back.
      if (status === 429) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })
  const revoking = Array.from({ length: REVOKERS }, async (_, nth) => {
    for (let at = 0; goesOn() || at === 0; at += 1) {
      const startMs = performance.now()
      const target = { source: 'oauth', subject: `drill-${nth}-${at}` }
      const body = JSON.stringify({ target, reason: 'drill' })
      const headers = { ...CONTROL, 'content-type': 'application/json' }
      const path = '/control/v1/revocations'
      const { status } = await call(agent, { method: 'POST', url: url + path, headers, body })
      if (status !== 201) failed += 1
      tookMs.push(performance.now() - startMs)
    }
  })
  await Promise.all([...loading, ...revoking])
  const sorted = tookMs.toSorted((left, right) => left - right)
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  return {
    load: load?.name ?? 'nothing',
    answers,
    ...{ revocations: sorted.length, failed },
    ...{ p50: at(0.5), p99: at(0.99), max: at(1) },
    longestTurn: await longestTurnOf(url, agent),
  }
}

type Asked = Pick<Load, 'method' | 'headers' | 'body'> & { readonly url: string }

function call(
  agent: http.Agent,
  { method, url, headers, body }: Asked,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, agent, headers }, (response) => {
      // Keeping megabytes that are not looked at would disturb the measurement.
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        if (chunks.length < KEPT_CHUNKS) chunks.push(chunk)
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      )
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** The longest turn since the last reading: the metrics library resets it with each reading. */
async function longestTurnOf(url: string, agent: http.Agent): Promise<number> {
  const { text } = await call(agent, { method: 'GET', url: `${url}/metrics`, headers: CONTROL })
  const found = /^nodejs_eventloop_lag_max_seconds ([\d.e+-]+)/m.exec(text)
  return Number(found?.[1] ?? Number.NaN) * 1_000
}

type Stream = { readonly opened: Promise<void>; readonly close: () => void }

function openStream(url: string, agent: http.Agent): Stream {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const headers = { 'im-api-key': CHAT.apiKey, accept: 'text/event-stream' }
  const request = http.get(`${url}/admin/revocations`, { agent, headers }, (response) => {
    response.resume()
    response.on('error', () => undefined)
    if (response.statusCode === 200) resolve()
    else reject(new Error(`a stream was answered ${response.statusCode}`))
  })
  request.on('error', reject)
  return { opened: promise, close: () => request.destroy() }
}
