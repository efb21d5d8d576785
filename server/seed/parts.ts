import { z } from 'zod'

/** A secret, or the name of an environment variable or file that holds it. */
export type SeedSecret = string | { readonly env: string } | { readonly file: string }

/** Any text goes, so that existing keys can be taken over; guessable ones are warned about. */
export const secret: z.ZodType<SeedSecret> = z.union([
  z.string().min(1).max(512),
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ file: z.string().min(1) }),
])

export const id: z.ZodString = z
  .string()
  .min(1)
  .max(256)
  .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text')
