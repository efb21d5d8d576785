import type { Io } from '../../frame/io.ts'
import { type Members, numberOf } from '../../remote/members.ts'
import { countWords, grouped } from './counts.ts'

const [DRAWN_EVERY_MS, TOLD_EVERY_MS] = [100, 5_000]
const BAR_CELLS = 24

export type ProgressParts = {
  readonly io: Pick<Io, 'hasLiveErrors' | 'note' | 'liveProgress'>
  /** Undefined for standard input. */
  readonly linesAll: number | undefined
  readonly nowMs: () => number
}

/** How far a call has come: drawn in place on a terminal, a line every few seconds elsewhere. */
export class Progress {
  readonly #io: ProgressParts['io']
  readonly #linesAll: number | undefined
  readonly #nowMs: () => number
  readonly #live: ReturnType<Io['liveProgress']> | undefined
  #from: { readonly lines: number; readonly atMs: number } | undefined
  #toldMs: number

  constructor({ io, linesAll, nowMs }: ProgressParts) {
    this.#io = io
    this.#linesAll = linesAll
    this.#nowMs = nowMs
    this.#live = io.hasLiveErrors ? io.liveProgress() : undefined
    this.#toldMs = nowMs()
  }

  /** @param lines that were done by an earlier attempt: the server reads them away first, and they count in no rate. */
  begin(lines: number): void {
    this.#from = lines === 0 ? { lines, atMs: this.#nowMs() } : undefined
    if (lines > 0) this.#live?.draw([`The server passes over the ${grouped(lines)} lines that are done.`])
  }

  show(counts: Members): void {
    const now = this.#nowMs()
    this.#from ??= { lines: numberOf(counts['lines']), atMs: now }
    if (now - this.#toldMs < (this.#live === undefined ? TOLD_EVERY_MS : DRAWN_EVERY_MS)) return
    this.#toldMs = now
    const head = this.#words(numberOf(counts['lines']), now)
    if (this.#live === undefined) this.#io.note(`${head}; ${countWords(counts)}`)
    else this.#live.draw([head, countWords(counts)])
  }

  /** What will be said next stands where progress was. */
  clear(): void {
    this.#live?.clear()
  }

  #words(lines: number, nowMs: number): string {
    const rate = this.#rate(lines, nowMs)
    const speed = `${grouped(Math.round(rate))} lines/s`
    if (this.#linesAll === undefined) return `${grouped(lines)} lines, ${speed}`
    const all = Math.max(this.#linesAll, lines)
    const share = all === 0 ? 1 : lines / all
    const bar = this.#live === undefined ? '' : `${barOf(share)} `
    const left = rate === 0 ? '' : `, ${durationWords((all - lines) / rate)} left`
    return `${bar}${Math.floor(share * 100)} %, ${grouped(lines)} of ${grouped(all)} lines, ${speed}${left}`
  }

  #rate(lines: number, nowMs: number): number {
    if (this.#from === undefined) return 0
    const seconds = (nowMs - this.#from.atMs) / 1_000
    return seconds <= 0 ? 0 : (lines - this.#from.lines) / seconds
  }
}

function durationWords(seconds: number): string {
  const whole = Math.ceil(seconds)
  return whole < 90 ? `${whole} s` : `${Math.ceil(whole / 60)} min`
}

function barOf(share: number): string {
  return '█'.repeat(Math.round(share * BAR_CELLS)).padEnd(BAR_CELLS, '░')
}
