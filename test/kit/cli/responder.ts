import { Calls } from '../calls.ts'
import { openServer, type TestServer, type TestServerStart } from '../in-process.ts'
import { CONTROL_KEY, type Home, makeQuickHome } from '../server.ts'
import { type CliEnded, runCli } from './command-line.ts'
import { openTerminal, type TestTerminal } from './terminal.ts'

/** A person with a control key, a server in this process, and a folder of their own. */
export class Responder {
  readonly server: TestServer
  readonly calls: Calls
  readonly home: Home
  readonly #terminals: TestTerminal[] = []

  private constructor(server: TestServer) {
    this.server = server
    this.calls = new Calls(server.port)
    this.home = makeQuickHome()
  }

  static async open(start: Partial<TestServerStart> = {}): Promise<Responder> {
    return new Responder(await openServer({ time: 'real', ...start }))
  }

  /** Runs `rescind WORDS` without a terminal. */
  async run(words: readonly string[], more: { input?: string; key?: string } = {}): Promise<CliEnded> {
    const { input, key } = more
    return runCli({ ...this.#line(words, key), ...(input === undefined ? {} : { input }) })
  }

  /** The same at a terminal. */
  sit(words: readonly string[]): TestTerminal {
    const terminal = openTerminal(this.#line(words))
    this.#terminals.push(terminal)
    return terminal
  }

  async close(): Promise<void> {
    for (const terminal of this.#terminals) terminal.kill()
    this.calls.close()
    this.home.remove()
    await this.server.close()
  }

  #line(
    words: readonly string[],
    key: string = CONTROL_KEY,
  ): { words: readonly string[]; environment: Record<string, string>; folder: string } {
    const environment = { RESCIND_URL: this.server.url, RESCIND_KEY: key }
    return { words, environment, folder: this.home.folder }
  }
}
