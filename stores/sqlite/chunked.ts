const CHUNK_BITS = 14
const CHUNK = 2 ** CHUNK_BITS
const MASK = CHUNK - 1

/** 32-bit numbers in a list that grows without being copied. */
export class ChunkedNumbers {
  readonly #chunks: Uint32Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK * Uint32Array.BYTES_PER_ELEMENT
  }

  push(value: number): void {
    if ((this.#length & MASK) === 0) this.#chunks.push(new Uint32Array(CHUNK))
    this.#length += 1
    this.set(this.#length - 1, value)
  }

  /** @param index below `length`. */
  at(index: number): number {
    return (this.#chunks[index >>> CHUNK_BITS] as Uint32Array)[index & MASK] as number
  }

  set(index: number, value: number): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS] as Uint32Array
    chunk[index & MASK] = value
  }
}

/** The same for numbers below 256. */
export class ChunkedBytes {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  get bytes(): number {
    return this.#chunks.length * CHUNK
  }

  push(value: number): void {
    if ((this.#length & MASK) === 0) this.#chunks.push(new Uint8Array(CHUNK))
    this.#length += 1
    this.set(this.#length - 1, value)
  }

  at(index: number): number {
    return (this.#chunks[index >>> CHUNK_BITS] as Uint8Array)[index & MASK] as number
  }

  set(index: number, value: number): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS] as Uint8Array
    chunk[index & MASK] = value
  }
}
