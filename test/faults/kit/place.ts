import type { TestContext } from 'node:test'
import { type Home, makeHome, type ServerProcess, type ServerStart, startProcess } from '../../kit/server.ts'
import { Calls } from './calls.ts'

type Served = ServerProcess & { readonly calls: Calls }

/** A home and the processes that run in it; removed when the test is over, however it ended. */
export class Place {
  readonly home: Home
  readonly #ends: (() => Promise<void>)[] = []

  constructor(t: TestContext, home: Home = makeHome()) {
    this.home = home
    t.after(async () => {
      for (const end of this.#ends) await end()
      home.remove()
    })
  }

  async start(start: Omit<ServerStart, 'home'> = {}): Promise<Served> {
    const flags = ['--identity-rate', '0', ...(start.flags ?? [])]
    const server = await startProcess({ ...start, home: this.home, flags })
    const calls = new Calls(server.url)
    this.#ends.push(async () => {
      calls.close()
      await server.kill()
    })
    return { ...server, calls }
  }
}
