import { type IPty, spawn } from '@lydell/node-pty'
import xterm from '@xterm/headless'
import { type CommandLine, environmentOf, RESCIND } from './command-line.ts'

const [COLUMNS, ROWS] = [120, 40]
const SHOWS_WITHIN_MS = 60_000

/** A real terminal with a command in it, as a person sees and uses it. */
export class TestTerminal {
  readonly ended: Promise<number>
  readonly #pty: IPty
  readonly #screen: xterm.Terminal
  readonly #watchers: Set<() => void> = new Set()
  #bytes = ''
  #isOver = false

  constructor(pty: IPty) {
    this.#pty = pty
    this.#screen = new xterm.Terminal({
      cols: COLUMNS,
      rows: ROWS,
      allowProposedApi: true,
      scrollback: 10_000,
    })
    pty.onData((text) => {
      this.#bytes += text
      this.#screen.write(text, () => this.#changed())
    })
    this.ended = new Promise((resolve) => {
      pty.onExit(({ exitCode, signal }) => {
        this.#isOver = true
        // After all that was printed is on the screen.
        this.#screen.write('', () => {
          this.#changed()
          resolve(signal === undefined || signal === 0 ? exitCode : 128 + signal)
        })
      })
    })
  }

  /** What is on the screen and above it, without trailing spaces. */
  get screen(): string {
    const { active } = this.#screen.buffer
    const lines = Array.from(
      { length: active.length },
      (_, at) => active.getLine(at)?.translateToString(true) ?? '',
    )
    return lines.join('\n').trimEnd()
  }

  /** Every byte that was printed, with its control sequences. */
  get bytes(): string {
    return this.#bytes
  }

  /** Keys that a person presses: `\r` is Enter, `\x03` is Ctrl-C. */
  type(keys: string): void {
    this.#pty.write(keys)
  }

  /** Resolves once the screen matches. @throws when the command ends without that, or does not show it in a minute. */
  async shows(what: RegExp): Promise<void> {
    const late = AbortSignal.timeout(SHOWS_WITHIN_MS)
    late.addEventListener('abort', () => this.#changed())
    while (!what.test(this.screen)) {
      if (this.#isOver) throw new Error(`it ended without showing ${what}:\n${this.screen}`)
      if (late.aborted) throw new Error(`it does not show ${what}:\n${this.screen}`)
      await new Promise<void>((resolve) => {
        this.#watchers.add(resolve)
      })
    }
  }

  kill(): void {
    if (!this.#isOver) this.#pty.kill('SIGKILL')
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
    this.#watchers.clear()
  }
}

/** Starts `rescind WORDS` in a terminal. Kill it after the test. */
export function openTerminal({ words, environment, folder = '.' }: CommandLine): TestTerminal {
  const pty = spawn(process.execPath, [RESCIND, ...words], {
    ...{ name: 'xterm-256color', cols: COLUMNS, rows: ROWS, cwd: folder },
    env: { ...environmentOf(folder), TERM: 'xterm-256color', ...environment },
  })
  return new TestTerminal(pty)
}
