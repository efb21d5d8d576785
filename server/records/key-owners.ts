import { z } from 'zod'

const OWNER_MAX = 128

/**
 * Who a key belongs to: a login name or an e-mail address. Letters of other alphabets, spaces and `+` are refused, because they
 * allow names that look like, or reach, the same person.
 */
export const OWNER: z.ZodString = z
  .string()
  .max(OWNER_MAX)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._@-]*$/,
    'must be a login name or an e-mail address of a-z, 0-9, ".", "_", "-" and "@"',
  )

/**
 * Whether two keys count as those of one person. Keys without an owner count together as one. Spellings that differ in case,
 * in separators or in letters that look alike (0 and o; 1, i and l; rn and m; vv and w) are one person: at worst a second person is
 * asked once too often.
 */
export function isSameOwner(one: string | undefined, other: string | undefined): boolean {
  return folded(one ?? '') === folded(other ?? '')
}

function folded(owner: string): string {
  return owner
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\s._-]/g, '')
    .replaceAll('0', 'o')
    .replaceAll(/[1i|]/g, 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
}
