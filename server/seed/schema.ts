import { z } from 'zod'
import { type GivenProfile, NAMED_PROFILE } from '../records/profile-schema.ts'
import { id, type SeedPart, type SeedSecret, secret } from './parts.ts'

export type SeedRealm = {
  readonly name: string
  /** How minted tokens begin, if not as by default. */
  readonly tokenPrefixes?: Readonly<Record<string, string | undefined>> | undefined
  readonly verifiers: readonly { readonly name: string; readonly key: SeedSecret }[]
  readonly checkProfiles: readonly GivenProfile[]
  /** Members of the dialects' parts. */
  readonly [member: string]: unknown
}
export type Seed = { readonly realms: readonly SeedRealm[] }

const prefix = z.string().min(1).optional()

/** Members of a realm that belong to no dialect. */
const OWN = {
  tokenPrefixes: z
    .strictObject({ access: prefix, refresh: prefix, code: prefix, identity: prefix, clientSecret: prefix })
    .optional(),
  verifiers: z.array(z.strictObject({ name: id, key: secret })).default([]),
  checkProfiles: z.array(NAMED_PROFILE).default([]),
}

export const OWN_MEMBERS: readonly string[] = ['name', ...Object.keys(OWN)]

function seedFile(parts: readonly SeedPart[]): z.ZodType<Seed> {
  const members = Object.fromEntries(parts.flatMap((part) => Object.entries(part.members)))
  const realm = z.strictObject({ name: z.string(), ...members, ...OWN })
  return z.strictObject({ realms: z.array(realm).default([]) })
}

export type SeedParse =
  | { readonly ok: true; readonly seed: Seed }
  | { readonly ok: false; readonly why: string }

/** Refuses unknown members, because a misspelt member would make a client that does not work. */
export function parseSeed(value: unknown, parts: readonly SeedPart[]): SeedParse {
  const parsed = seedFile(parts).safeParse(value)
  if (parsed.success) return { ok: true, seed: parsed.data }
  const issue = parsed.error.issues[0]
  return { ok: false, why: `${issue?.path.join('.') || 'the file'}: ${issue?.message ?? 'not as described'}` }
}
