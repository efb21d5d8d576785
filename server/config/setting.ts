/** A setting as its table holds it, under its name. Its flag and its variable are derived from that name. */
export type SettingShape = {
  /** Its text where no source sets it. A setting with a fallback refuses empty text. */
  readonly fallback: string | undefined
  readonly help: string
  /** True or false: its flag alone turns it on, and the file holds a boolean. */
  readonly isSwitch?: true
  /** Only the environment may hold it: neither the command line nor the file. */
  readonly isSecret?: true
  /** @param name the setting's name in messages. @throws SettingsRefused */
  readonly parse: (text: string, name: string) => unknown
  /** How it can reduce safety, reported at the start and in `/metrics`. Every setting has to decide this. */
  readonly insecure: InsecureShape | undefined
}

type InsecureShape = {
  /** `isTls`: whether the server has a certificate. The value is what `parse` made. */
  readonly when: (value: never, isTls: boolean) => boolean
  /** The same condition in words, for the manual. */
  readonly at: string
  /** What safety an operator gives up by it. */
  readonly why: string
}

/** Settings by name, in the order of listings. */
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
  /** Absent when the command line must not hold the value. */
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
