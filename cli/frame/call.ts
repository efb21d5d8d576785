/** The words of one command line, read by the table. Asking for a flag that the command does not have is a bug. */
export class Call {
  /** The command's words. */
  readonly name: string
  readonly positionals: readonly string[]
  /** The server's settings as flags, each one word: `--listen=127.0.0.1:0`. */
  readonly settings: readonly string[]
  readonly #values: ReadonlyMap<string, readonly string[]>

  /** @param values by flag, with an entry for each flag of the command. */
  constructor(read: {
    readonly name: string
    readonly positionals: readonly string[]
    readonly settings: readonly string[]
    readonly values: ReadonlyMap<string, readonly string[]>
  }) {
    this.name = read.name
    this.positionals = read.positionals
    this.settings = read.settings
    this.#values = read.values
  }

  /** The value of a flag; undefined when it is not given. */
  text(flag: string): string | undefined {
    return this.texts(flag)[0]
  }

  /** Every value of a repeated flag. */
  texts(flag: string): readonly string[] {
    const values = this.#values.get(flag)
    if (values === undefined) throw new TypeError(`${this.name} has no flag --${flag}`)
    return values
  }

  isOn(flag: string): boolean {
    return this.text(flag) === 'true'
  }

  /** A positional by its place, from 0; undefined when it is not given. */
  positional(at: number): string | undefined {
    return this.positionals[at]
  }
}
