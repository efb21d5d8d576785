/** One setting as a table has it, under its name. Its flag and its variable are made of that name. */
export type SettingShape = {
  /** Its text where nothing says otherwise; with one, an empty text is refused. */
  readonly fallback: string | undefined
  readonly help: string
  /** True or false: on by its flag alone, and a boolean in the file. */
  readonly isSwitch?: true
  /** Neither a command line nor the file may hold it; only the environment does. */
  readonly isSecret?: true
  /** @param name what to call the setting in a message. @throws SettingsRefused */
  readonly parse: (text: string, name: string) => unknown
  /** How it can take safety away: told of at the start, and in `/metrics`. Every setting decides it. */
  readonly insecure: InsecureShape | undefined
}

type InsecureShape = {
  /** `isTls`: whether the server has a certificate. The value is what `parse` made. */
  readonly when: (value: never, isTls: boolean) => boolean
  /** The same in words, for the manual. */
  readonly at: string
  /** What an operator gives up by it. */
  readonly why: string
}

/** Settings by name, in the order in which they are listed. */
export type SettingTable = Readonly<Record<string, SettingShape>>

/** The checked values of a table. */
export type SettingValues<Table extends SettingTable> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name]>
}

type ValueOf<Shape extends SettingShape> = Shape['fallback'] extends string
  ? ReturnType<Shape['parse']>
  : ReturnType<Shape['parse']> | undefined

export type Setting = SettingShape & {
  readonly name: string
  /** Absent where a command line must not hold the value. */
  readonly flag: string | undefined
  readonly environment: string
}

export function settingsIn(table: SettingTable): readonly Setting[] {
  return Object.entries(table).map(([name, shape]) => {
    const words = name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
    const flag = shape.isSecret === true ? undefined : `--${words.replaceAll('_', '-')}`
    return { ...shape, name, flag, environment: `RESCIND_${words.toUpperCase()}` }
  })
}
