import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const KEY = 'orders-api-key-0123456789'
/** Prints the port on which the program listens, whatever framework it uses. */
const REPORT = `import { subscribe } from 'node:diagnostics_channel'
subscribe('tracing:net.server.listen:asyncEnd', ({ server }) => console.log(server.address().port))`

/** A page's program, running as a process of its own. */
export type App = {
  /** Asks for the orders, with or without a token. @returns status and body. */
  readonly ask: (token?: string) => Promise<readonly [number, unknown]>
  readonly stop: () => Promise<void>
}

/** Runs a program as it is printed, but against this server and on a free port. */
export async function startApp(folder: string, program: string, server: string): Promise<App> {
  const text = program.replace('http://127.0.0.1:8080', server).replace('3000', '0')
  writeFileSync(join(folder, 'app.mjs'), text)
  writeFileSync(join(folder, 'report.mjs'), REPORT)
  const child = spawn(process.execPath, ['--import', './report.mjs', 'app.mjs'], {
    cwd: folder,
    env: { ...process.env, RESCIND_VERIFIER_KEY: KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [port] = (await Promise.race([
    once(child.stdout, 'data'),
    ended.then(([code]) => assert.fail(`the program ended with ${code} before it listened`)),
  ])) as [Buffer]
  const ask = async (token?: string): Promise<readonly [number, unknown]> => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const answer = await fetch(`http://127.0.0.1:${port.toString().trim()}/orders`, { headers })
    return [answer.status, await answer.json()]
  }
  const stop = async (): Promise<void> => {
    child.kill()
    await ended
  }
  return { ask, stop }
}
