import { isDisplayName } from '@rescind/core/bytes'
import { z } from 'zod'

/** Text that is stored and returned unchanged. */
export function storedText(max: number): z.ZodString {
  return z
    .string()
    .min(1)
    .max(max)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'must be well-formed text')
}

/** A name or a label that operators read. */
export function displayName(max: number): z.ZodString {
  return displayed(z.string().min(1).max(max))
}

/** Restricts a schema to text without hidden characters. */
export function displayed(text: z.ZodString): z.ZodString {
  return text.refine(isDisplayName, 'must be text that shows all of itself')
}
