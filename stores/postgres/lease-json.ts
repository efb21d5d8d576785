import type { FoldMarksOf } from '@rescind/authority'

/** The marks of `mark_1`. */
export function marksJson(marks: FoldMarksOf): string {
  return JSON.stringify(
    [...marks].map(([r, { seq, chain }]) => {
      return { r, seq, chain: chain === undefined ? null : `\\x${chain.toString('hex')}` }
    }),
  )
}
