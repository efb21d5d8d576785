import { isForeignSource } from '@rescind/core/tokens'
import { z } from 'zod'

/** The member of a list that says why it may be empty although there is something. */
export const NAMES_HINT: z.ZodOptional<z.ZodString> = z
  .string()
  .optional()
  .describe('Of an empty list by subject or client: why that may be no all-clear')

type Asked = {
  readonly source?: string | undefined
  readonly subject?: string | undefined
  readonly client?: string | undefined
}

const IDS =
  'subject and client are compared with ids, not with names; ' +
  'POST /control/v1/find looks for a person by id, name or e-mail address, in every source'
const FOREIGN = 'tokens of registered issuers are recorded nowhere here, so they are in no list'

/**
 * What to say with an empty list: an empty list for a person who is known here by another id must not look as if there
 * were nothing of hers.
 */
export function hintFor({ source, subject, client }: Asked): string | undefined {
  if (source !== undefined && isForeignSource(source)) return FOREIGN
  return subject === undefined && client === undefined ? undefined : IDS
}
