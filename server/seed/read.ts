import { SettingsRefused } from '@rescind/core'
import { parseStrictFile, withoutBom } from '@rescind/core/bytes'
import { readSecretFile } from '../machine/key-files.ts'
import { readRegularFile } from '../machine/regular-file.ts'
import { type SeedPart, type SeedSecret, WrittenSecret } from './parts.ts'
import { parseSeed, type Seed } from './schema.ts'

/** Bytes of a seed file: room for half a million records. */
export const SEED_MAX_BYTES = 134_217_728

/** @throws SettingsRefused for a file that cannot be read, is too large, or does not describe a seed. */
export function readSeed(path: string, parts: readonly SeedPart[]): Seed {
  const value = parseStrictFile(withoutBom(bytesOf(path)))
  if (value === undefined) throw new SettingsRefused(`seed: ${path} is not valid JSON, or repeats a member`)
  const parsed = parseSeed(value, parts)
  if (!parsed.ok) throw new SettingsRefused(`seed: ${path}: ${parsed.why}`)
  return parsed.seed
}

/** The secrets whose text is in the file. */
export function* writtenSecrets(value: unknown): Generator<string> {
  if (value instanceof WrittenSecret) yield value.text
  else if (typeof value === 'object' && value !== null)
    for (const member of Object.values(value)) yield* writtenSecrets(member)
}

function bytesOf(path: string): Buffer {
  const why = 'what is in it can be given in several files, one a start'
  return readRegularFile('seed', path, { maxBytes: SEED_MAX_BYTES, why })
}

/** @throws SettingsRefused when the secret is not where the file says. */
export function secretText(
  secret: SeedSecret,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (secret instanceof WrittenSecret) return secret.text
  if ('file' in secret) return notEmpty(readSecretFile('seed', secret.file), secret.file)
  return notEmpty(environment[secret.env] ?? '', `$${secret.env}`)
}

function notEmpty(text: string, where: string): string {
  if (text === '') throw new SettingsRefused(`seed: the secret in ${where} is empty`)
  return text
}
