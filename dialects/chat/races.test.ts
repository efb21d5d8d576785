import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Position } from '@rescind/core'
import { SeededRandom } from '../../test/kit/seeded-random.ts'
import { type ChatWorld, openChat, type Reply, tokenPath } from './fixture.test.ts'

const RACES = 1_000
const ISSUES = 4

/** Yields some turns, so that the order of starts differs from race to race. */
async function lag(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await undefined
}

type Race = { readonly world: ChatWorld; readonly client: string; readonly random: SeededRandom }

/** Some issues (minted or bound) and one revoke-all of one client, all at once. */
async function run({
  world,
  client,
  random,
}: Race): Promise<{ issued: Reply[]; revoked: Reply; cutoff: Position }> {
  const turns = [...random.bytes(ISSUES + 1)].map((byte) => byte % 24)
  let cutoff = world.realm.position()
  const issue = async (at: number): Promise<Reply> => {
    await lag(turns[at] ?? 0)
    const body = at % 2 === 0 ? { issueAccessToken: true } : { token: `${client}:${at}` }
    return world.admin('POST', '/admin/clients', { _id: client, ...body })
  }
  const revoke = async (): Promise<Reply> => {
    await lag(turns[ISSUES] ?? 0)
    const reply = await world.admin('DELETE', tokenPath(client))
    // Nothing else writes a row in a race, so the log ends with the cutoff.
    cutoff = world.realm.position()
    return reply
  }
  const issues = Array.from({ length: ISSUES }, (_, at) => issue(at))
  const [revoked, ...issued] = await Promise.all([revoke(), ...issues])
  return { issued, revoked, cutoff }
}

test(`[E13] in ${RACES} races with issues, each token is listed and dead, or minted after the cutoff`, async (t) => {
  const world = await openChat()
  const random = new SeededRandom('races')
  const seen = { ended: 0, spared: 0 }
  for (let race = 0; race < RACES; race += 1) {
    const client = `u${race}`
    await world.client(client, race % 2)
    const before = world.realm.position()
    const { issued, revoked, cutoff } = await run({ world, client, random })
    assert.equal(revoked.status, 200)
    // Issuing to a known client writes no log row: the cutoff is the only one.
    assert.equal(cutoff, before + 1)
    const listed = new Set(revoked.json.result.data.map(({ token }) => token))
    assert.equal(listed.size, revoked.json.result.data.length)
    for (const { status, json } of issued) {
      assert.equal(status, 200)
      const { token } = json.result
      const record = await world.recordOf(token)
      assert(record !== undefined)
      const isEnded = listed.has(token)
      assert.equal(await world.isLive(token), !isEnded)
      assert.equal(record.position >= cutoff, !isEnded)
      seen[isEnded ? 'ended' : 'spared'] += 1
    }
  }
  t.diagnostic(`${seen.ended} tokens were ended by the cut, ${seen.spared} were minted after it`)
  assert(seen.ended > RACES / 10 && seen.spared > RACES / 10)
})

test('in races of revoke-all with first sign-ins of a client, no token escapes', async () => {
  const world = await openChat()
  const random = new SeededRandom('first')
  for (let race = 0; race < 200; race += 1) {
    const { issued, revoked } = await run({ world, client: `u${race}`, random })
    const { data } = revoked.status === 200 ? revoked.json.result : { data: [] }
    const listed = new Set(data.map(({ token }) => token))
    assert(revoked.status === 200 || revoked.json.error.code === 'CLIENT_NOT_FOUND')
    for (const { json } of issued)
      assert.equal(await world.isLive(json.result.token), !listed.has(json.result.token))
  }
})
