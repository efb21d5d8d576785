import type { Realm } from '@rescind/authority'
import { z } from 'zod'
import { storedText } from '../records/text-schemas.ts'

/** A secret whose text is in the seed file. A class, so that it can be told from the other texts of a parsed file. */
export class WrittenSecret {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A secret, or the name of an environment variable or file that holds it. */
export type SeedSecret = WrittenSecret | { readonly env: string } | { readonly file: string }

/** Any text is allowed, so that existing keys can be taken over; guessable ones raise a warning. */
export const secret: z.ZodType<SeedSecret> = z
  .union([
    z.string().min(1).max(512),
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ file: z.string().min(1) }),
  ])
  // Not within the union, which would answer "Invalid input" to a text that is too long.
  .transform((given) => (typeof given === 'string' ? new WrittenSecret(given) : given))

export const id: z.ZodString = storedText(256)

export type SeedTools = {
  /** @param of the owner of the secret. @throws SettingsRefused when it is not where the file says. */
  readonly reveal: (secret: SeedSecret, of: string) => string
  readonly hashPassword: (password: string) => Promise<string>
}

/** The part of a seed file that belongs to one dialect. */
export type SeedPart = {
  /** Members of a realm. */
  readonly members: Readonly<Record<string, z.ZodType>>
  /** Creates records that never existed. @returns how many. */
  readonly create: (realm: Realm, given: never, tools: SeedTools) => Promise<number>
}

/** The same, with `create` typed by the members. */
export function seedPart<Members extends Readonly<Record<string, z.ZodType>>>(part: {
  readonly members: Members
  readonly create: (realm: Realm, given: z.output<z.ZodObject<Members>>, tools: SeedTools) => Promise<number>
}): SeedPart {
  return part
}
