import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { type Ask, bodyJson } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { changeUser, send as send2 } from '../../test/kit/world-identity.ts'
import { logIn, openV3, send as send3, subjectToken, type V3World } from '../../test/kit/world-identity-v3.ts'
import { IDENTITY_APP_CREDENTIALS } from './directory/app-credentials.ts'

// An application credential must not outlive the roles that it acts with, wherever its user held them.

type Made = { readonly id: string; readonly login: Ask }

/** Makes a credential for pia with these roles on her project. */
async function make({ ask, enter }: V3World, roles: readonly string[]): Promise<Made> {
  const body = { application_credential: { name: roles.join(), roles: roles.map((id) => ({ id })) } }
  const path = '/v3/users/pia/application_credentials'
  const answer = await ask(send3('POST', path, { as: await enter('pia'), body }))
  assert.equal(answer.status, 201, String(answer.body))
  const { application_credential: made } = (await bodyJson(answer)) as {
    application_credential: { id: string; secret: string }
  }
  const { id, secret } = made
  const login = logIn({ methods: ['application_credential'], application_credential: { id, secret } })
  return { id, login }
}

type Loss = {
  /** Where pia holds the role `reader` beside her `member` on the project. */
  readonly held: object
  readonly taking: (world: V3World) => Promise<Ask>
}

const LOSSES: Readonly<Record<string, Loss>> = {
  'held everywhere, taken away in v2.0': {
    held: {},
    taking: async ({ login }) =>
      send2(await login('root'), 'DELETE', '/v2.0/users/pia/roles/OS-KSADM/reader'),
  },
  'held on the project, taken away in v2.0': {
    held: { tenantId: 'team' },
    taking: async ({ login }) =>
      send2(await login('root'), 'DELETE', '/v2.0/tenants/team/users/pia/roles/OS-KSADM/reader'),
  },
  'held on the project, taken away in v3': {
    held: { tenantId: 'team' },
    taking: async ({ enter }) =>
      send3('DELETE', '/v3/projects/team/users/pia/roles/reader', { as: await enter('governor') }),
  },
}

for (const [how, { held, taking }] of Object.entries(LOSSES))
  onBothStores(`a lost role ends the application credentials that have it: ${how}`, async (store: Store) => {
    const world = await openV3({ store })
    const { ask, realm, login } = world
    const grants = [
      { roleId: 'member', tenantId: 'team' },
      { roleId: 'reader', ...held },
    ]
    await changeUser(realm, 'pia', { grants })
    const [both, reader, member] = [
      await make(world, ['member', 'reader']),
      await make(world, ['reader']),
      await make(world, ['member']),
    ]
    const token = await subjectToken(await ask(reader.login))
    const { status, body } = await ask(await taking(world))
    assert.equal(status, 204, String(body))
    for (const { id, login: again } of [both, reader]) {
      assert.equal(await realm.directory.get(IDENTITY_APP_CREDENTIALS, id), undefined)
      assert.equal((await ask(again)).status, 401)
    }
    assert.equal((await ask(send2(await login('svc'), 'GET', `/v2.0/tokens/${token}`))).status, 404)
    assert.equal((await ask(member.login)).status, 201, 'one without the role stays')
  })
