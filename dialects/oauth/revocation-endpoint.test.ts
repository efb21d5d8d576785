import assert from 'node:assert/strict'
import { onBothStores, STAGE_SECRET } from '../../test/kit/oauth-stage.ts'

/*
 * What a client learns about tokens of others. The vendor answers 403 for a live one. Everything else gets the 200 of
 * unknown text.
 */
onBothStores(
  '[C15] [K06] a live token of another client is 403 and lives on; dead, unknown and malformed ones are 200',
  async (stage) => {
    const { clock, realm } = stage.world
    const owner = await stage.put('owner', { accessTokenLifetimeSeconds: 10 })
    await stage.put('other')
    await stage.put('app', { isPublic: true })
    const live = await stage.grant(owner)
    const code = await stage.code(owner)
    const dead = await stage.grant(owner)
    await stage.form('/revoke', 'owner', { token: dead.refresh })
    const rotated = await stage.grant(owner)
    await stage.refresh('owner', rotated.refresh)
    const expired = await stage.grant(owner)
    clock.advance(5_000)
    const late = await stage.grant(owner)
    clock.advance(5_000)
    const asking = {
      other: `client_id=other&client_secret=${STAGE_SECRET}`,
      app: 'client_id=app',
    }
    for (const [who, credentials] of Object.entries(asking)) {
      const say = async (token: string): Promise<string> => {
        const { status, text } = await stage.send('/revoke', { body: `${credentials}&token=${token}` })
        return `${status} ${text}`
      }
      for (const token of [live.refresh, late.access, late.refresh, rotated.refresh])
        assert.match(await say(token), /^403 .*"permission denied"/, `${who}: a live one`)
      const { prefixes } = realm.grammar
      for (const token of [
        ...[dead.access, dead.refresh, expired.access, code],
        ...[
          `${prefixes.access}${'0'.repeat(36)}`,
          `${prefixes.refresh}x`,
          'x',
          'eyJ.eyJ.x',
          '%C3%A9',
          'x'.repeat(9_000),
        ],
      ])
        assert.equal(await say(token), '200 {}', `${who}: ${token.slice(0, 40)}`)
    }
    assert.ok(await stage.isActive('owner', late.access))
    assert.equal((await stage.refresh('owner', live.refresh)).status, 200)
    assert.equal((await stage.redeem('owner', code)).status, 200)
  },
)

onBothStores(
  '[C15] a client cannot search for live tokens of others: after 30 hits the answer is 429',
  async (stage) => {
    const owner = await stage.put('owner')
    await stage.put('other')
    const { access } = await stage.grant(owner)
    const statuses = new Map<number, number>()
    for (let nth = 0; nth < 40; nth += 1) {
      const { status } = await stage.form('/revoke', 'other', { token: access })
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
    assert.deepEqual(
      [...statuses],
      [
        [403, 30],
        [429, 10],
      ],
    )
    assert.equal((await stage.form('/revoke', 'other', { token: 'x' })).status, 200)
    assert.equal((await stage.form('/revoke', 'owner', { token: access })).status, 200)
  },
)
