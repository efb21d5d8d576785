import { z } from 'zod'
import { type Problem, problem } from '../../http/problem.ts'

/** Keys are rotated with an overlap: `rotate` adds one, at most two are accepted, and `retire` ends one of them. */
export const TWO_KEYS: Problem = problem(409, 'there are two keys already; retire one of them first')
export const ONE_KEY: Problem = problem(409, 'this is the only key; rotate it first')

export const WHICH: z.ZodOptional<z.ZodEnum<{ older: 'older'; newer: 'newer' }>> = z
  .enum(['older', 'newer'])
  .optional()
  .describe('newer: the key that rotate has added leaked, and the one before stays')
