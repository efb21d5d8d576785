import { existsSync } from 'node:fs'
import { SettingsRefused } from '@rescind/core'
import { withoutBom } from '@rescind/core/bytes'
import { parseStrictJson } from '@rescind/dialects'
import { readRegularFile } from '../machine/regular-file.ts'
import { SETTINGS, type Setting, type SettingName } from './settings.ts'

export const CONFIG_FILE = 'rescind.config.json'

export type Origin = 'flag' | 'environment' | 'file' | 'default'
export type Sourced = { readonly value: string | undefined; readonly origin: Origin }
export type Values = Readonly<Record<SettingName, Sourced>>

export type Sources = {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Text of the configuration file, if there is one. */
  readonly file: string | undefined
}

/** @throws SettingsRefused when the file is there and cannot be read. */
export function readConfigFile(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  return readRegularFile('configuration', path).toString('utf8')
}

/**
 * Every setting with where it came from: flag over environment over file over default.
 * @throws SettingsRefused for anything unknown, repeated or without a value: a misspelt setting is never ignored.
 */
export function resolveSettings({ flags, environment, file }: Sources): Values {
  const fromFlags = parseFlags(flags)
  const fromFile = parseFile(file)
  refuseUnknownEnvironment(environment)
  const entries = SETTINGS.map((setting) => {
    const candidates: readonly [Origin, string | undefined][] = [
      ['flag', fromFlags.get(setting.name)],
      ['environment', environment[setting.environment]],
      ['file', fromFile.get(setting.name)],
    ]
    const [origin, value] = candidates.find(([, text]) => text !== undefined) ?? ['default', setting.fallback]
    return [setting.name, { origin, value }] as const
  })
  // SETTINGS names every SettingName once, which Object.fromEntries cannot say.
  return Object.fromEntries(entries) as Values
}

function parseFlags(flags: readonly string[]): Map<SettingName, string> {
  const values = new Map<SettingName, string>()
  for (let at = 0; at < flags.length; at += 1) {
    const [flag, inline] = splitOnce(flags[at] ?? '')
    const setting = SETTINGS.find((known) => known.flag === flag)
    if (setting === undefined) throw new SettingsRefused(`unknown argument "${flag}" (see: rescind --help)`)
    if (values.has(setting.name)) throw new SettingsRefused(`${flag} is given twice`)
    let value = inline
    if (value === undefined && (!setting.isSwitch || isBoolean(flags[at + 1]))) {
      at += 1
      value = flags[at]
    }
    value ??= setting.isSwitch ? 'true' : undefined
    if (value === undefined) throw new SettingsRefused(`${flag} needs a value`)
    values.set(setting.name, value)
  }
  return values
}

function splitOnce(flag: string): [string, string | undefined] {
  const split = flag.indexOf('=')
  return split < 0 ? [flag, undefined] : [flag.slice(0, split), flag.slice(split + 1)]
}

function parseFile(text: string | undefined): Map<SettingName, string> {
  const values = new Map<SettingName, string>()
  if (text === undefined) return values
  const parsed = parseObject(text)
  for (const [name, value] of Object.entries(parsed)) {
    const setting = SETTINGS.find((known) => known.name === name && !known.isSecret)
    if (setting === undefined) throw new SettingsRefused(`${CONFIG_FILE}: unknown setting "${name}"`)
    values.set(setting.name, textOf(setting, value))
  }
  return values
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const parsed = parseStrictJson(withoutBom(Buffer.from(text, 'utf8')))
  if (parsed === undefined) throw new SettingsRefused(`${CONFIG_FILE} is not JSON, or names a member twice`)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new SettingsRefused(`${CONFIG_FILE} must hold one JSON object`)
  }
  return { ...parsed }
}

function textOf({ name, isSwitch }: Setting, value: unknown): string {
  if (typeof value === 'string' && (!isSwitch || isBoolean(value))) return value
  if (typeof value === 'number' && !isSwitch) return String(value)
  if (typeof value === 'boolean' && isSwitch) return String(value)
  throw new SettingsRefused(`${CONFIG_FILE}: "${name}" must be ${isSwitch ? 'true or false' : 'text'}`)
}

/** As the environment, and older files, say it. */
function isBoolean(text: string | undefined): boolean {
  return text === 'true' || text === 'false'
}

function refuseUnknownEnvironment(environment: Sources['environment']): void {
  const known = new Set(SETTINGS.map((setting) => setting.environment))
  for (const name of Object.keys(environment)) {
    if (name.startsWith('RESCIND_') && !known.has(name)) {
      throw new SettingsRefused(`unknown environment variable ${name}`)
    }
  }
}

/** One line per setting: name, value, origin. Secrets show only whether they are set. */
export function explainSettings(values: Values): string {
  const rows = SETTINGS.map(({ name, isSecret }) => {
    const { value, origin } = values[name]
    const shown = value === undefined ? '(none)' : isSecret ? '(set, not shown)' : value
    return [name, shown, origin] as const
  })
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      ([name, shown, origin]) => `${name.padEnd(widths[0] ?? 0)}  ${shown.padEnd(widths[1] ?? 0)}  ${origin}`,
    )
    .join('\n')
}
