/** Counts by time in a ring of slots: whole slots, and the running one beside them. */
export class SlotCounts {
  readonly spanMs: number
  readonly #widthMs: number
  readonly #counts: Float64Array
  readonly #slots: Float64Array

  constructor(slots: number, widthMs: number) {
    this.spanMs = slots * widthMs
    this.#widthMs = widthMs
    this.#counts = new Float64Array(slots + 1)
    this.#slots = new Float64Array(slots + 1).fill(-1)
  }

  add(atMs: number): void {
    const slot = Math.floor(atMs / this.#widthMs)
    const at = slot % this.#counts.length
    const held = this.#slots[at] as number
    // It is older than all that is kept.
    if (held > slot) return
    if (held < slot) {
      this.#slots[at] = slot
      this.#counts[at] = 0
    }
    this.#counts[at] = (this.#counts[at] as number) + 1
  }

  /** The count of at least the span, and the time from which on it was counted. */
  read(nowMs: number): { readonly sinceMs: number; readonly count: number } {
    const last = Math.floor(nowMs / this.#widthMs)
    const first = last - (this.#counts.length - 1)
    let count = 0
    this.#slots.forEach((slot, at) => {
      if (slot >= first && slot <= last) count += this.#counts[at] as number
    })
    return { sinceMs: first * this.#widthMs, count }
  }
}
