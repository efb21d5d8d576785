import type { Sink } from '@rescind/authority'

/** A reader controlled by a test. */
export class TestSink implements Sink {
  text = ''
  ended = false
  /** Bytes that this reader has not taken; 0: it takes everything at once. */
  pending = 0
  readonly #closed: (() => void)[] = []
  readonly #drained: (() => void)[] = []
  stuck = false

  write(chunk: string | Uint8Array): void {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8')
    this.text += text
    if (this.stuck) this.pending += text.length
  }

  pendingBytes(): number {
    return this.pending
  }

  drained(): Promise<void> {
    if (!this.stuck) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  end(): void {
    this.ended = true
    this.leave()
  }

  onClose(listener: () => void): void {
    this.#closed.push(listener)
  }

  leave(): void {
    for (const listener of this.#closed.splice(0)) listener()
    for (const listener of this.#drained.splice(0)) listener()
  }

  /** Names of the events so far. */
  get events(): string[] {
    return [...this.text.matchAll(/^event: (\w+)/gm)].map(([, name = '']) => name)
  }

  /** The seq of every row, in order of arrival. */
  get seqs(): number[] {
    return [...this.text.matchAll(/\{"seq":(\d+),"at"/g)].map(([, seq]) => Number(seq))
  }
}
