import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Calls } from '../../test/kit/calls.ts'
import { installPackages } from '../../test/kit/own-packages.ts'
import { SVC } from '../../test/kit/seed.ts'
import { makeHome, startProcess } from '../../test/kit/server.ts'
import { percentile } from '../statistics.ts'

const KEY = 'orders-api-key-0123456789'
const WORKERS = 32
/** Delay between opening the sockets and the first event, because subscribing takes a moment in either system. */
const SETTLE_MS = 3_000
const NATS_PORT = 14_222

export type FanOutAsk = { readonly readers: number; readonly singles: number; readonly burst: number }
export type FanOutFigures = {
  readonly name: string
  readonly perSecond: number
  readonly lastMs: number
  readonly residentMb: number
}

type Told = { readonly nth?: number; readonly atMs?: number }

/** Delivers an event to all readers; resolves when the event has been handed over. */
type Carrier = {
  readonly pid: number | undefined
  readonly one: () => Promise<void>
  /** Delivers this many entries as one burst. */
  readonly burst: (entries: number) => Promise<void>
  readonly readers: ChildProcess
}

export async function measureFanOut(ask: FanOutAsk): Promise<readonly FanOutFigures[]> {
  const rows = [await ofRescind(ask)]
  const nats = await ofNats(ask)
  return nats === undefined ? rows : [...rows, nats]
}

async function ofRescind(ask: FanOutAsk): Promise<FanOutFigures> {
  const home = makeHome()
  const server = await startProcess({ home })
  const port = Number(new URL(server.url).port)
  const workers = Array.from({ length: WORKERS }, () => new Calls(port))
  const tokens: string[] = []
  await Promise.all(
    workers.map(async (worker) => {
      while (tokens.length < ask.singles + ask.burst) tokens.push(await worker.oauthToken(SVC))
    }),
  )
  const idleMb = residentOf(server.process.pid)
  const greeting = `GET /control/v1/feed HTTP/1.1\\r\\nHost: a\\r\\nAuthorization: Bearer ${KEY}\\r\\n\\r\\n`
  const readers = startReaders(port, { readers: ask.readers, greeting, marker: '{"seq":' })
  await once(readers, 'message')
  const revoke = async (worker: Calls): Promise<void> => {
    await worker.oauthRevoke(SVC, tokens.pop() ?? '')
  }
  try {
    return await measure(`rescind (idle: ${idleMb.toFixed(0)} MB)`, ask, {
      pid: server.process.pid,
      readers,
      one: () => revoke(workers[0] as Calls),
      burst: async (entries) => {
        let left = entries
        await Promise.all(
          workers.map(async (worker) => {
            for (; left > 0; ) {
              left -= 1
              await revoke(worker)
            }
          }),
        )
      },
    })
  } finally {
    readers.disconnect()
    for (const worker of workers) worker.close()
    await server.kill()
    home.remove()
  }
}

/** @returns undefined if nats-server is not installed. */
async function ofNats(ask: FanOutAsk): Promise<FanOutFigures | undefined> {
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(NATS_PORT)], { stdio: 'ignore' })
  const failed = once(server, 'error').then(() => true)
  if (await Promise.race([failed, listens(NATS_PORT)])) return undefined
  const greeting = 'CONNECT {"verbose":false}\\r\\nSUB feed 1\\r\\n'
  const readers = startReaders(NATS_PORT, { readers: ask.readers, greeting, marker: 'MSG feed' })
  await once(readers, 'message')
  installPackages('bench')
  const { connect } = await import('@nats-io/transport-node')
  const client = await connect({ servers: `127.0.0.1:${NATS_PORT}` })
  // As large as an event with one row.
  const payload = Buffer.alloc(700, 'x')
  try {
    return await measure('nats-server (in memory)', ask, {
      pid: server.pid,
      readers,
      one: async () => {
        client.publish('feed', payload)
        await client.flush()
      },
      burst: async (entries) => {
        for (let nth = 0; nth < entries; nth += 1) client.publish('feed', payload)
        await client.flush()
      },
    })
  } finally {
    readers.disconnect()
    await client.close()
    server.kill()
  }
}

async function measure(
  name: string,
  { readers, singles, burst }: FanOutAsk,
  by: Carrier,
): Promise<FanOutFigures> {
  await sleep(SETTLE_MS)
  let [seen, lastAtMs] = [0, 0]
  const waiting: { readonly until: number; readonly resolve: () => void }[] = []
  by.readers.on('message', ({ nth, atMs }: Told) => {
    if (nth === undefined || atMs === undefined) return
    seen = nth + 1
    lastAtMs = atMs
    while (waiting[0] !== undefined && waiting[0].until <= seen) waiting.shift()?.resolve()
  })
  const until = (count: number): Promise<void> =>
    seen >= count ? Promise.resolve() : new Promise((resolve) => waiting.push({ until: count, resolve }))
  const samples = new Float64Array(singles)
  for (let nth = 0; nth < singles; nth += 1) {
    const sentMs = performance.timeOrigin + performance.now()
    await by.one()
    await until(nth + 1)
    samples[nth] = lastAtMs - sentMs
  }
  const residentMb = residentOf(by.pid)
  const startMs = performance.timeOrigin + performance.now()
  await by.burst(burst)
  await until(singles + burst)
  const perSecond = (burst * readers * 1_000) / (lastAtMs - startMs)
  return { name, perSecond, lastMs: percentile(samples, 0.5), residentMb }
}

function startReaders(
  port: number,
  {
    readers,
    greeting,
    marker,
  }: { readonly readers: number; readonly greeting: string; readonly marker: string },
): ChildProcess {
  const path = fileURLToPath(new URL('readers-process.ts', import.meta.url))
  return fork(path, [String(port), String(readers), greeting, marker], { execArgv: [] })
}

/** @returns false once the port accepts connections. */
async function listens(port: number): Promise<false> {
  for (;;) {
    const socket = connectTcp(port, '127.0.0.1')
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isUp) return false
    await sleep(50)
  }
}

function residentOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1_000
}
