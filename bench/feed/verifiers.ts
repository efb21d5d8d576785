import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Calls } from '../../test/kit/calls.ts'
import { SEED } from '../../test/kit/seed.ts'
import { makeHome, OF_OLDER_TREES, startProcess } from '../../test/kit/server.ts'

/** This tree, or an older one with its own node_modules; server and verifiers both come from it. */
export const THIS_TREE: string = fileURLToPath(new URL('../..', import.meta.url))

export type Stage = {
  readonly calls: Calls
  readonly url: string
  readonly children: readonly ChildProcess[]
  readonly close: () => Promise<void>
}

export type StageSize = { readonly tree: string; readonly processes: number; readonly each: number }

/** A server and processes of verifiers, each with its own key. */
export async function openStage(script: string, { tree, processes, each }: StageSize): Promise<Stage> {
  const home = makeHome()
  const verifiers = Array.from({ length: processes * each }, (_, nth) => ({
    name: `bench-${nth}`,
    key: `bench-verifier-key-${String(nth).padStart(4, '0')}-0123456789abcdef`,
  }))
  const [realm] = SEED.realms as readonly [Readonly<Record<string, unknown>>]
  const seed = { realms: [{ ...realm, verifiers }] }
  const server = await startProcess({ home, seed, cli: join(tree, 'cli/main.ts') })
  const path = fileURLToPath(new URL(script, import.meta.url))
  const children = Array.from({ length: processes }, (_, nth) => {
    const keys = verifiers.slice(nth * each, (nth + 1) * each).map(({ key }) => key)
    return fork(path, [join(tree, 'verifier/index.ts'), server.url, ...keys], {
      execArgv: [...OF_OLDER_TREES],
    })
  })
  const calls = new Calls(Number(new URL(server.url).port))
  const close = async (): Promise<void> => {
    calls.close()
    for (const child of children) if (child.connected) child.disconnect()
    await server.stop()
    home.remove()
  }
  return { calls, url: server.url, children, close }
}

/** The next message of a process. @throws when the process ends instead. */
export async function heard(child: ChildProcess): Promise<unknown> {
  const abort = new AbortController()
  const ended = once(child, 'exit', { signal: abort.signal }).then(([code]) => {
    throw new Error(`a process of verifiers ended with ${code}`)
  })
  const told = once(child, 'message', { signal: abort.signal }).then(([message]) => message as unknown)
  try {
    return await Promise.race([told, ended])
  } finally {
    told.catch(() => undefined)
    ended.catch(() => undefined)
    abort.abort()
  }
}
