import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { COMPILE_CACHE } from '../server.ts'
import type { FleetAsk, FleetTold } from './messages.ts'

function start(script: string, words: readonly string[]): ChildProcess {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const env = { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE }
  return fork(path, [...words], { execArgv: [], env })
}

export type Fleet = {
  /** Verdicts of every verifier in every process, a list per token. */
  readonly say: (ask: FleetAsk['ask'], tokens?: readonly string[]) => Promise<FleetTold>
  /** Sends an operating system signal to every process. */
  readonly signal: (name: NodeJS.Signals) => void
  readonly close: () => void
}

export type FleetSize = { readonly processes: number; readonly each: number; readonly boundMs?: number }

/** Starts `each` verifiers in each of `processes` processes. */
export async function startFleet(
  { url, key }: { readonly url: string; readonly key: string },
  { processes, each, boundMs = 5_000 }: FleetSize,
): Promise<Fleet> {
  const children = Array.from({ length: processes }, () =>
    start('fleet-process.ts', [url, key, String(each), String(boundMs)]),
  )
  const say = async (ask: FleetAsk['ask'], tokens: readonly string[] = []): Promise<FleetTold> => {
    const told = await Promise.all(
      children.map(async (child) => {
        const answer = once(child, 'message') as Promise<[FleetTold]>
        child.send({ ask, tokens } satisfies FleetAsk)
        return (await answer)[0]
      }),
    )
    return {
      said: tokens.map((_, at) => told.flatMap(({ said }) => said[at] ?? [])),
      violations: told.reduce((total, { violations }) => total + violations, 0),
      looks: told.reduce((total, { looks }) => total + looks, 0),
    }
  }
  await say('ready')
  return {
    say,
    signal: (name) => children.forEach((child) => child.kill(name)),
    close: () => children.forEach((child) => child.disconnect()),
  }
}

export type ChatSocket = {
  /** The last text that the server sent. */
  readonly said: () => string
  readonly closed: Promise<unknown>
  readonly end: () => void
}

export type SocketServer = {
  /** A socket opened with this token, or refused. */
  readonly open: (token: string) => Promise<ChatSocket>
  readonly close: () => void
}

export async function startSocketServer({
  url,
  key,
}: {
  readonly url: string
  readonly key: string
}): Promise<SocketServer> {
  const child = start('socket-process.ts', [url, key])
  const [{ port }] = (await once(child, 'message')) as [{ readonly port: number }]
  return {
    open: async (token) => {
      const socket: Socket = connect(port, '127.0.0.1')
      let text = ''
      socket.setEncoding('utf8')
      const closed = once(socket, 'close')
      const first = new Promise((resolve) => {
        socket.on('data', (chunk: string) => {
          text += chunk
          resolve(undefined)
        })
      })
      socket.write(`${token}\n`)
      await first
      return { said: () => text.trim().split('\n').at(-1) ?? '', closed, end: () => socket.destroy() }
    },
    close: () => child.disconnect(),
  }
}
