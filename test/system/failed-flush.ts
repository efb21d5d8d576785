import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Calls } from '../kit/calls.ts'
import { SVC } from '../kit/seed.ts'
import { type Home, makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

/** Tokens that are revoked in each part. */
const TOKENS = 20

/** This machine does not allow one process to trace another. */
export class CannotTrace extends Error {}

type Tracer = { readonly stop: () => Promise<number> }

/**
 * Makes flushes of a running server fail: those that `when` selects, counted per thread. @returns a function that stops
 * this and tells how many have failed. @throws CannotTrace
 */
async function failFlushes(server: ServerProcess, home: Home, when: string): Promise<Tracer> {
  const log = join(home.folder, `flushes-${when}`)
  const fault = `inject=fsync,fdatasync:error=EIO:when=${when}`
  const words = [
    '-f',
    '-p',
    String(server.process.pid),
    '-e',
    'trace=fsync,fdatasync',
    '-e',
    fault,
    '-o',
    log,
  ]
  const strace = spawn('strace', words, { stdio: ['ignore', 'ignore', 'pipe'] })
  await attached(strace)
  return {
    stop: async () => {
      const ended = once(strace, 'exit')
      strace.kill('SIGINT')
      await ended
      return readFileSync(log, 'utf8').split('(INJECTED)').length - 1
    },
  }
}

async function attached(strace: ChildProcess): Promise<void> {
  let text = ''
  strace.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
    strace.emit('said')
  })
  const ended = once(strace, 'exit')
  while (!/ attached/.test(text)) {
    const which = await Promise.race([once(strace, 'said').then(() => 'said'), ended.then(() => 'ended')])
    if (which === 'ended') throw new CannotTrace(text.trim())
  }
}

const portOf = ({ url }: ServerProcess): number => Number(new URL(url).port)

async function withCalls<T>(server: ServerProcess, act: (calls: Calls) => Promise<T>): Promise<T> {
  const calls = new Calls(portOf(server))
  try {
    return await act(calls)
  } finally {
    calls.close()
  }
}

async function mint(calls: Calls): Promise<string[]> {
  const tokens: string[] = []
  for (let count = 0; count < TOKENS; count += 1) tokens.push(await calls.oauthToken(SVC))
  return tokens
}

/** While every flush fails, no revocation is acknowledged. Once flushes succeed, a retry is. */
async function everyFlushFails(server: ServerProcess, home: Home): Promise<readonly string[]> {
  return withCalls(server, async (calls) => {
    const tokens = await mint(calls)
    const tracer = await failFlushes(server, home, '1+')
    for (const token of tokens) assert.equal((await calls.oauthRevoke(SVC, token)).status, 503)
    assert.ok((await tracer.stop()) >= TOKENS, 'each of them had a flush that failed')
    for (const token of tokens) assert.equal((await calls.oauthRevoke(SVC, token)).status, 200)
    return tokens
  })
}

/** While some flushes fail, acknowledged revocations hold, and the others are retried. */
async function someFlushesFail(server: ServerProcess, home: Home): Promise<readonly string[]> {
  return withCalls(server, async (calls) => {
    const tokens = await mint(calls)
    const tracer = await failFlushes(server, home, '2+7')
    let refused = 0
    for (const token of tokens) {
      for (let status = 503; status !== 200; ) {
        status = (await calls.oauthRevoke(SVC, token)).status
        if (status === 200) continue
        assert.equal(status, 503)
        refused += 1
        assert.ok(refused < TOKENS * 10, 'it does not recover between failures')
      }
    }
    assert.ok((await tracer.stop()) > 0 && refused > 0, 'some have failed')
    return tokens
  })
}

/** The disk refuses to flush (EIO), seen from outside a real server on the embedded store. */
export async function failedFlush(): Promise<string> {
  const home = makeHome()
  let server = await startProcess({ home })
  try {
    const kept = await withCalls(server, mint)
    const revoked = [...(await everyFlushFails(server, home)), ...(await someFlushesFail(server, home))]
    await server.kill()
    server = await startProcess({ home })
    await withCalls(server, async (calls) => {
      for (const token of revoked) assert.equal(await calls.isActive(SVC, token), false)
      for (const token of kept) assert.equal(await calls.isActive(SVC, token), true)
    })
    return `strace: ${revoked.length} revocations, none acknowledged without its flush, all in force after a kill`
  } finally {
    await server.kill()
    home.remove()
  }
}
