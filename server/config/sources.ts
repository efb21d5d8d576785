import { existsSync } from 'node:fs'
import { SettingsRefused } from '@rescind/core'
import { withoutBom } from '@rescind/core/bytes'
import { parseStrictJson } from '@rescind/dialects'
import { readRegularFile } from '../machine/regular-file.ts'
import type { Setting } from './setting.ts'

export const CONFIG_FILE = 'rescind.config.json'

export type Origin = 'flag' | 'environment' | 'file' | 'default'
/** A setting, its text, and the source of that text. */
export type Resolved = {
  readonly setting: Setting
  readonly value: string | undefined
  readonly origin: Origin
}
/** By name, in the order of listings. */
export type Values = ReadonlyMap<string, Resolved>

export type Sources = {
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Text of the configuration file, if there is one. */
  readonly file: string | undefined
}

/** @throws SettingsRefused when the file exists and cannot be read. */
export function readConfigFile(path: string): string | undefined {
  if (!existsSync(path)) return undefined
  return readRegularFile('configuration', path).toString('utf8')
}

/**
 * Every setting with its source: flag over environment over file over default.
 * @throws SettingsRefused for a setting that is unknown, repeated or without a value: a misspelt one is never ignored.
 */
export function resolveAmong(settings: readonly Setting[], sources: Sources): Values {
  const { flags, environment, file } = sources
  const fromFlags = parseFlags(settings, flags)
  const fromFile = parseFile(settings, file)
  refuseUnknownEnvironment(settings, environment)
  const entries = settings.map((setting) => {
    const candidates: readonly [Origin, string | undefined][] = [
      ['flag', fromFlags.get(setting.name)],
      ['environment', environment[setting.environment]],
      ['file', fromFile.get(setting.name)],
    ]
    const [origin, value] = candidates.find(([, text]) => text !== undefined) ?? ['default', setting.fallback]
    return [setting.name, { setting, origin, value }] as const
  })
  return new Map(entries)
}

function parseFlags(settings: readonly Setting[], flags: readonly string[]): Map<string, string> {
  const values = new Map<string, string>()
  for (let at = 0; at < flags.length; at += 1) {
    const [flag, inline] = splitOnce(flags[at] ?? '')
    const setting = settings.find((known) => known.flag === flag)
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

function parseFile(settings: readonly Setting[], text: string | undefined): Map<string, string> {
  const values = new Map<string, string>()
  if (text === undefined) return values
  const parsed = parseObject(text)
  for (const [name, value] of Object.entries(parsed)) {
    const setting = settings.find((known) => known.name === name && !known.isSecret)
    if (setting === undefined) throw new SettingsRefused(`${CONFIG_FILE}: unknown setting "${name}"`)
    values.set(setting.name, textOf(setting, value))
  }
  return values
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const parsed = parseStrictJson(withoutBom(Buffer.from(text, 'utf8')))
  if (parsed === undefined) throw new SettingsRefused(`${CONFIG_FILE} is not valid JSON, or repeats a member`)
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

/** As the environment and older files spell it. */
function isBoolean(text: string | undefined): boolean {
  return text === 'true' || text === 'false'
}

function refuseUnknownEnvironment(settings: readonly Setting[], environment: Sources['environment']): void {
  const known = new Set(settings.map((setting) => setting.environment))
  for (const name of Object.keys(environment)) {
    if (name.startsWith('RESCIND_') && !known.has(name)) {
      throw new SettingsRefused(`unknown environment variable ${name}`)
    }
  }
}
