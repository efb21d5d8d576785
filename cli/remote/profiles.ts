import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { WrongUse } from '../frame/failure.ts'
import type { Environment } from '../frame/io.ts'
import { readPrivateFile, writePrivateFile } from './private-files.ts'

/** A server that was logged in to. */
export type Profile = { readonly url: string; readonly key: string; readonly realm?: string }

export type Profiles = {
  /** The name of the one that is used without --profile. */
  readonly current: string | undefined
  readonly byName: ReadonlyMap<string, Profile>
}

/** `$XDG_CONFIG_HOME/rescind/profiles.json`, else below `~/.config`. */
export function profilesPath(environment: Environment): string {
  const home = environment['XDG_CONFIG_HOME'] ?? ''
  // Relative ones are to be ignored.
  const config = home.startsWith('/') ? home : join(environment['HOME'] ?? homedir(), '.config')
  return join(config, 'rescind', 'profiles.json')
}

/** @throws WrongUse for a file that others can read, or that is none of profiles. */
export function readProfiles(environment: Environment): Profiles {
  const path = profilesPath(environment)
  if (!existsSync(path)) return { current: undefined, byName: new Map() }
  const parsed = parsedJson(readPrivateFile(path, 'profiles'))
  if (!isObject(parsed) || !isObject(parsed['profiles']))
    throw new WrongUse(`${path} holds no profiles`, 'delete it, and log in again')
  const { current, profiles } = parsed
  const named = Object.entries(profiles).map(([name, value]) => {
    if (!isProfile(value))
      throw new WrongUse(`${path}: profile "${name}" is broken`, 'delete the file, and log in again')
    return [name, value] as const
  })
  return { current: typeof current === 'string' ? current : undefined, byName: new Map(named) }
}

export function writeProfiles(environment: Environment, { current, byName }: Profiles): void {
  const json = { ...(current === undefined ? {} : { current }), profiles: Object.fromEntries(byName) }
  writePrivateFile(profilesPath(environment), `${JSON.stringify(json, undefined, 2)}\n`)
}

function isProfile(value: unknown): value is Profile {
  if (!isObject(value)) return false
  const { url, key, realm } = value
  return (
    typeof url === 'string' && typeof key === 'string' && (realm === undefined || typeof realm === 'string')
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Undefined for text that is no JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
