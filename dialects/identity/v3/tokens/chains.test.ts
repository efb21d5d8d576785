import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { byToken, inProject, openV3, send, subjectToken } from '../../../../test/kit/world-identity-v3.ts'

/** Each token is made from an earlier one; `parents[n]` picks it. */
const TREES = fc.record({
  parents: fc.array(fc.nat(), { minLength: 1, maxLength: 14 }),
  ended: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
})

test('with chain revocation, ending tokens of any tree ends exactly them and their descendants', async () => {
  await fc.assert(
    fc.asyncProperty(TREES, async ({ parents, ended }) => {
      const { ask, enter } = await openV3({ chainRevocation: true })
      const tokens = [await enter('pia', 'unscoped')]
      const upOf: (number | undefined)[] = [undefined]
      for (const pick of parents) {
        const up = pick % tokens.length
        const made = await ask(byToken(tokens[up] ?? '', inProject('team')))
        // A ninth generation is refused; the tree stays as it is.
        if (made.status === 403) continue
        tokens.push(await subjectToken(made))
        upOf.push(up)
      }
      const chief = await enter('chief')
      const dead = new Set<number>()
      for (const pick of ended) {
        const at = pick % tokens.length
        const { status } = await ask(
          send('DELETE', '/v3/auth/tokens', { as: chief, about: tokens[at] ?? '' }),
        )
        assert.equal(status, isUnder(at, dead, upOf) ? 404 : 204)
        dead.add(at)
      }
      for (const [at, token] of tokens.entries()) {
        const { status } = await ask(send('GET', '/v3/auth/tokens', { as: chief, about: token }))
        assert.equal(status, isUnder(at, dead, upOf) ? 404 : 200)
      }
    }),
    { numRuns: 60 },
  )
})

function isUnder(
  at: number | undefined,
  dead: ReadonlySet<number>,
  upOf: readonly (number | undefined)[],
): boolean {
  if (at === undefined) return false
  return dead.has(at) || isUnder(upOf[at], dead, upOf)
}
