import type { Line } from './lines.ts'

/** A terminal that lines are drawn on. */
export type Screen = {
  write(text: string): unknown
  readonly rows?: number
}

const ROWS_WITHOUT_A_SIZE = 24
/** Long lines end at the edge: a wrapped one would take two rows, and the next drawing would miss it. */
const [NO_WRAP, WRAP] = ['\u001b[?7l', '\u001b[?7h']
const [CLEAR_LINE, CLEAR_BELOW] = ['\u001b[K', '\u001b[J']

/** Lines of a terminal that are drawn again in their place. */
export class LiveLines {
  readonly #screen: Screen
  readonly #rendered: (line: Line) => string
  #rows = 0

  constructor(screen: Screen, rendered: (line: Line) => string) {
    this.#screen = screen
    this.#rendered = rendered
  }

  /** Replaces what was drawn before. Lines beyond the height of the screen are counted, not shown. */
  draw(lines: readonly Line[]): void {
    const room = Math.max(2, (this.#screen.rows ?? ROWS_WITHOUT_A_SIZE) - 1)
    const drawn =
      lines.length <= room
        ? lines
        : [...lines.slice(0, room - 1), `… and ${lines.length - room + 1} lines more`]
    const up = this.#rows === 0 ? '' : `\u001b[${this.#rows}A`
    const text = drawn.map((line) => `${this.#rendered(line)}${CLEAR_LINE}\n`).join('')
    this.#screen.write(`${up}\r${NO_WRAP}${text}${CLEAR_BELOW}${WRAP}`)
    this.#rows = drawn.length
  }

  /** Removes what was drawn: other lines follow in its place. */
  clear(): void {
    if (this.#rows > 0) this.draw([])
  }
}
