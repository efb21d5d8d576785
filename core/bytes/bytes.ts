import { ContractBroken } from '../faults.ts'

const INITIAL_BYTES = 128
const TEXT_MAX_BYTES = 0xffff

/** Writes the compact, versioned bytes that outlive this process: rules, and groups on their way to a writer. */
export class ByteWriter {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  #length = 0

  u8(value: number): this {
    this.#reserve(1)
    this.#length = this.#buffer.writeUInt8(value, this.#length)
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeUInt32BE(value, this.#length)
    return this
  }

  /** A time, a position or a count; exact up to 2^53. */
  f64(value: number): this {
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleBE(value, this.#length)
    return this
  }

  /** Bytes of a length known to the reader. */
  fixed(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** The same, given as text: half the price of converting it to bytes first. */
  fixedText(text: string, count: number, encoding: 'base64url' | 'latin1'): this {
    this.#reserve(count)
    if (this.#buffer.write(text, this.#length, count, encoding) !== count)
      throw new ContractBroken(`text that is not ${count} bytes of ${encoding}`)
    this.#length += count
    return this
  }

  /** Text of at most 64 KB, length first. */
  text(value: string): this {
    const start = this.#length
    // A UTF-16 unit takes three bytes at most. The length is filled in once it is known.
    this.#reserve(2 + value.length * 3)
    const written = this.#buffer.write(value, start + 2, 'utf8')
    if (written > TEXT_MAX_BYTES) throw new ContractBroken('text longer than 64 KB in stored bytes')
    this.#buffer.writeUInt16BE(written, start)
    this.#length = start + 2 + written
    return this
  }

  /** Bytes of any length, length first. */
  block(bytes: Uint8Array): this {
    return this.u32(bytes.length).fixed(bytes)
  }

  /** Text of any length, length first. */
  longText(value: string): this {
    const start = this.#length
    this.#reserve(4 + value.length * 3)
    const written = this.#buffer.write(value, start + 4, 'utf8')
    this.#buffer.writeUInt32BE(written, start)
    this.#length = start + 4 + written
    return this
  }

  optional(value: string | undefined): this {
    if (value === undefined) return this.u8(0)
    return this.u8(1).text(value)
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(count: number): void {
    const wanted = this.#length + count
    if (wanted <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.#buffer.length * 2))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}

/** Reads what ByteWriter wrote. @throws ContractBroken when the bytes end early, or some are left over. */
export class ByteReader {
  readonly #buffer: Buffer
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#take(1))
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#take(4))
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#take(8))
  }

  fixed(count: number): Buffer {
    const start = this.#take(count)
    return this.#buffer.subarray(start, start + count)
  }

  text(): string {
    const length = this.#buffer.readUInt16BE(this.#take(2))
    const start = this.#take(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  block(): Buffer {
    return this.fixed(this.u32())
  }

  longText(): string {
    const length = this.u32()
    const start = this.#take(length)
    return this.#buffer.toString('utf8', start, start + length)
  }

  get atEnd(): boolean {
    return this.#at === this.#buffer.length
  }

  optional(): string | undefined {
    return this.u8() === 0 ? undefined : this.text()
  }

  end(): void {
    if (this.#at !== this.#buffer.length) throw new ContractBroken('stored bytes go on past their end')
  }

  #take(count: number): number {
    const start = this.#at
    if (start + count > this.#buffer.length) throw new ContractBroken('stored bytes end early')
    this.#at = start + count
    return start
  }
}
