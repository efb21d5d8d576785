import { readFileSync } from 'node:fs'
import { SettingsRefused, withoutBom } from '@rescind/core'
import { parseStrictJson } from '@rescind/dialects'
import { readSecretFile } from '../config/key-files.ts'
import type { SeedSecret } from './parts.ts'
import { parseSeed, type Seed } from './schema.ts'

/** @throws SettingsRefused for a file that cannot be read or does not describe a seed. */
export function readSeed(path: string): Seed {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch {
    throw new SettingsRefused(`seed: ${path} cannot be read`)
  }
  const value = parseStrictJson(withoutBom(bytes))
  if (value === undefined)
    throw new SettingsRefused(`seed: ${path} is not well-formed JSON, or names a member twice`)
  const parsed = parseSeed(value)
  if (!parsed.ok) throw new SettingsRefused(`seed: ${path}: ${parsed.why}`)
  return parsed.seed
}

/** @throws SettingsRefused when the secret is not where the file says. */
export function secretText(
  secret: SeedSecret,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (typeof secret === 'string') return secret
  if ('file' in secret) return notEmpty(readSecretFile('seed', secret.file), secret.file)
  return notEmpty(environment[secret.env] ?? '', `$${secret.env}`)
}

function notEmpty(text: string, where: string): string {
  if (text === '') throw new SettingsRefused(`seed: the secret in ${where} is empty`)
  return text
}
