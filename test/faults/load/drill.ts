import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CONTROL_KEY, makeHome, OF_OLDER_TREES } from '../../kit/server.ts'
import { type Figures, measure } from './measure.ts'
import type { Sizes } from './sizes.ts'

const OWN_TREE = fileURLToPath(new URL('../../../', import.meta.url))
const MAKE_STORE = fileURLToPath(new URL('./make-store.ts', import.meta.url))

export type Drill = {
  readonly sizes: Sizes
  /** Another tree to measure first, over the same store, which its code makes. */
  readonly beside: string | undefined
  readonly say: (line: string) => void
}

export type Drilled = { readonly before: readonly Figures[] | undefined; readonly now: readonly Figures[] }

/** Makes a large store, serves it, and measures revocations beside each load. */
export async function drill({ sizes, beside, say }: Drill): Promise<Drilled> {
  const home = makeHome()
  const folder = join(home.folder, 'data')
  try {
    const startMs = performance.now()
    await make({ tree: beside ?? OWN_TREE, folder, sizes })
    say(`the store is made: ${Math.round((performance.now() - startMs) / 1_000)} s`)
    const before = beside === undefined ? undefined : await served(beside, folder, sizes)
    if (before !== undefined) say('the other tree is measured')
    return { before, now: await served(OWN_TREE, folder, sizes) }
  } finally {
    home.remove()
  }
}

async function make(job: {
  readonly tree: string
  readonly folder: string
  readonly sizes: Sizes
}): Promise<void> {
  const words = [...OF_OLDER_TREES, MAKE_STORE, JSON.stringify(job)]
  const child = spawn(nodeOf(job.tree), words, { stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`making the store ended with code ${code}`)
}

async function served(tree: string, folder: string, sizes: Sizes): Promise<readonly Figures[]> {
  const server = startTree(tree, folder)
  try {
    return await measure(await urlOf(server), sizes)
  } finally {
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
  }
}

function startTree(tree: string, folder: string): ChildProcess {
  const words = [
    ...[...OF_OLDER_TREES, join(tree, 'cli/main.ts'), 'serve', '--listen', '127.0.0.1:0'],
    ...['--store', `sqlite:${join(folder, 'rescind.db')}`, '--master-key-file', join(folder, 'master.key')],
    ...['--control-rate', '0'],
  ]
  const { PATH = '' } = process.env
  const env = { PATH, RESCIND_CONTROL_KEY: CONTROL_KEY }
  return spawn(nodeOf(tree), words, { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
}

function nodeOf(tree: string): string {
  return join(tree, 'node_modules/node/bin/node')
}

/** @throws when the server ends instead of listening. */
async function urlOf(server: ChildProcess): Promise<string> {
  const { stdout } = server
  if (stdout === null) throw new Error('the server has no output')
  const ended = once(server, 'exit').then(() => {
    throw new Error('the server ended')
  })
  const listening = new Promise<string>((resolve) => {
    let text = ''
    stdout.on('data', (chunk: Buffer) => {
      if (text.length < 65_536) text += chunk.toString('utf8')
      const url = /"url":"(http[^"]+)"/.exec(text)?.[1]
      if (url !== undefined) resolve(url)
    })
  })
  return Promise.race([listening, ended])
}
