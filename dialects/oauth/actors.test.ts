import assert from 'node:assert/strict'
import { RawToken } from '@rescind/core/tokens'
import { type OauthStage, onBothStores } from '../../test/kit/oauth-stage.ts'

// Failure to prevent: a token minted with an actor's help outlives the grant of the actor.

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const TYPE = 'urn:ietf:params:oauth:token-type:'

type Grant = { readonly access: string; readonly refresh: string }
type Scene = {
  readonly stage: OauthStage
  readonly own: Grant
  readonly actor: Grant
  readonly children: readonly string[]
}

/** Tokens exchanged with an actor: opaque, signed, by the actor's refresh token, and tokens exchanged from these. */
async function open(stage: OauthStage): Promise<Scene> {
  const client = await stage.put('svc', { grantTypes: ['refresh_token', EXCHANGE] })
  const [own, actor] = [await stage.grant(client), await stage.grant(client)]
  const exchange = async (subject: string, more: Readonly<Record<string, string>>): Promise<string> => {
    const asked = { subject_token: subject, subject_token_type: `${TYPE}access_token`, ...more }
    const made = await stage.form('', 'svc', { grant_type: EXCHANGE, ...asked })
    assert.equal(made.status, 200, made.text)
    return String(made.body['access_token'])
  }
  const access = { actor_token: actor.access, actor_token_type: `${TYPE}access_token` }
  const opaque = await exchange(own.access, access)
  const signed = await exchange(own.access, { ...access, requested_token_type: `${TYPE}jwt` })
  const byRefresh = await exchange(own.access, {
    actor_token: actor.refresh,
    actor_token_type: `${TYPE}refresh_token`,
  })
  const children = [opaque, signed, byRefresh, await exchange(signed, {}), await exchange(byRefresh, {})]
  return { stage, own, actor, children }
}

async function states({ stage, own, children }: Scene): Promise<readonly boolean[]> {
  return Promise.all([own.access, ...children].map((token) => stage.isActive('svc', token)))
}

const ENDS: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'its refresh token is revoked': ({ stage, actor }) =>
    stage.form('/revoke', 'svc', { token: actor.refresh }),
  'its refresh token is revoked after a rotation': async ({ stage, actor }) => {
    const next = await stage.refresh('svc', actor.refresh)
    await stage.form('/revoke', 'svc', { token: String(next.body['refresh_token']) })
  },
  'its refresh token is used again': async ({ stage, actor }) => {
    await stage.refresh('svc', actor.refresh)
    stage.world.clock.advance(30_000)
    assert.equal((await stage.refresh('svc', actor.refresh)).status, 400)
  },
}

for (const [end, act] of Object.entries(ENDS)) {
  onBothStores(`[H15] [E02] [E12] what an actor has helped to make is over when ${end}`, async (stage) => {
    const scene = await open(stage)
    assert.deepEqual(await states(scene), [true, true, true, true, true, true])
    await act(scene)
    assert.deepEqual(await states(scene), [true, false, false, false, false, false])
  })
}

onBothStores(
  '[H15] a token exchanged with an actor is held with the grant of the actor, and not by a rotation',
  async (stage) => {
    const scene = await open(stage)
    await stage.refresh('svc', scene.actor.refresh)
    assert.deepEqual(await states(scene), [true, true, true, true, true, true])
    const raw = RawToken.parse(scene.actor.access)
    const grant = raw === undefined ? undefined : (await stage.world.realm.find(raw)).record?.grant
    assert.ok(grant !== undefined)
    await stage.append({ kind: 'hold', id: 'h', target: { kind: 'grant', source: 'oauth', grant } })
    assert.deepEqual(await states(scene), [true, false, false, false, false, false])
    await stage.append({ kind: 'release', id: 'h' })
    assert.deepEqual(await states(scene), [true, true, true, true, true, true])
  },
)

onBothStores(
  '[H15] the end of the actor’s access token leaves tokens that its refresh token has helped to make',
  async (stage) => {
    const scene = await open(stage)
    await stage.form('/revoke', 'svc', { token: scene.actor.access })
    assert.deepEqual(await states(scene), [true, false, false, true, false, true])
  },
)
