/**
 * What has to be read again, because another process has changed it. It is read at once, and whoever needs it waits for that.
 * After an outage it is read again for the next who asks.
 */
export class Unsettled<Name> {
  readonly #read: (name: Name) => Promise<void>
  readonly #settled: (name: Name) => void
  /** How often each has changed. */
  readonly #changes: Map<Name, number> = new Map()
  readonly #reading: Map<Name, Promise<void>> = new Map()

  /** @param settled called when one was read after its last change. */
  constructor(read: (name: Name) => Promise<void>, settled: (name: Name) => void) {
    this.#read = read
    this.#settled = settled
  }

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  has(name: Name): boolean {
    return this.#changes.has(name)
  }

  changed(name: Name): void {
    this.#changes.set(name, (this.#changes.get(name) ?? 0) + 1)
  }

  /** Resolves when this one was read after its last change. @throws StoreUnavailable. */
  async settle(name: Name): Promise<void> {
    while (this.#changes.has(name)) await this.#once(name)
  }

  /** @throws StoreUnavailable. */
  async settleAll(): Promise<void> {
    for (const name of [...this.#changes.keys()]) await this.settle(name)
  }

  #once(name: Name): Promise<void> {
    const known = this.#reading.get(name)
    if (known !== undefined) return known
    const reading = this.#again(name).finally(() => this.#reading.delete(name))
    this.#reading.set(name, reading)
    return reading
  }

  async #again(name: Name): Promise<void> {
    const before = this.#changes.get(name)
    await this.#read(name)
    if (this.#changes.get(name) !== before) return
    this.#changes.delete(name)
    this.#settled(name)
  }
}
