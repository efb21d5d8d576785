import type { Realm } from '@rescind/authority'
import { z } from 'zod'
import { storedText } from '../records/text-schemas.ts'

/** A secret, or the name of an environment variable or file that holds it. */
export type SeedSecret = string | { readonly env: string } | { readonly file: string }

/** Any text goes, so that existing keys can be taken over; guessable ones are warned about. */
export const secret: z.ZodType<SeedSecret> = z.union([
  z.string().min(1).max(512),
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
])

export const id: z.ZodString = storedText(256)

export type SeedTools = {
  /** @param of what the secret belongs to. @throws SettingsRefused when it is not where the file says. */
  readonly reveal: (secret: SeedSecret, of: string) => string
  readonly hashPassword: (password: string) => Promise<string>
}

/** What a seed file can say of a realm for one dialect. */
export type SeedPart = {
  /** Members of a realm. */
  readonly members: Readonly<Record<string, z.ZodType>>
  /** Creates what never existed. @returns how many records that were. */
  readonly create: (realm: Realm, given: never, tools: SeedTools) => Promise<number>
}

/** The same, with `create` held to what the members hold. */
export function seedPart<Members extends Readonly<Record<string, z.ZodType>>>(part: {
  readonly members: Members
  readonly create: (realm: Realm, given: z.output<z.ZodObject<Members>>, tools: SeedTools) => Promise<number>
}): SeedPart {
  return part
}
