import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { type Ask, bodyJson } from '../../test/kit/request.ts'
import { onBothStores } from '../../test/kit/stores.ts'
import { changeUser, FakeNotifier, send as send2 } from '../../test/kit/world-identity.ts'
import { logIn, openV3, send as send3, type V3World } from '../../test/kit/world-identity-v3.ts'
import { IDENTITY_APP_CREDENTIALS } from './directory/app-credentials.ts'

// [W81] [E04] An intruder made an application credential with a stolen token; then the owner reacts. Keystone keeps
// such credentials when a password changes. Here they end, because the change is probably due to an intruder.

type Made = { readonly id: string; readonly secret: string }
type World = V3World & { readonly notifier: FakeNotifier }

async function opened(store: Store): Promise<World & { readonly made: Made }> {
  const notifier = new FakeNotifier()
  const world = await openV3({ store, notifier })
  await changeUser(world.realm, 'pia', { email: 'pia@example.org' })
  const body = { application_credential: { name: 'ci' } }
  const path = '/v3/users/pia/application_credentials'
  const answer = await world.ask(send3('POST', path, { as: await world.enter('pia'), body }))
  const { application_credential: made } = (await bodyJson(answer)) as { application_credential: Made }
  return { ...world, notifier, made }
}

async function logsIn({ ask }: V3World, { id, secret }: Made): Promise<boolean> {
  const identity = { methods: ['application_credential'], application_credential: { id, secret } }
  return (await ask(logIn(identity))).status === 201
}

const NEW = { user: { password: 'new-password' } }
const enable = (enabled: boolean): object => ({ user: { enabled } })

const ENDING: Readonly<Record<string, (world: World) => Promise<readonly Ask[]>>> = {
  'its password is set in v2.0': async ({ login }) => [
    send2(await login('root'), 'PUT', '/v2.0/users/pia/OS-KSADM/password', NEW),
  ],
  'its password is set in v3': async ({ enter }) => [
    send3('PATCH', '/v3/users/pia', { as: await enter('governor'), body: NEW }),
  ],
  'it changes its password in v2.0': async () => [
    send2('', 'POST', '/v2.0/users/RAX-AUTH/change-pwd', {
      'RAX-AUTH:changePasswordCredentials': { username: 'pia-name', password: 'pw-pia', newPassword: 'new' },
    }),
  ],
  'it changes its password in v3': async () => [
    send3('POST', '/v3/users/pia/password', {
      body: { user: { password: 'new', original_password: 'pw-pia' } },
    }),
  ],
  'it resets its password by mail': async ({ ask, notifier }) => {
    const forgot = { 'RAX-AUTH:forgotPasswordCredentials': { username: 'pia-name' } }
    await ask(send2('', 'POST', '/v2.0/users/RAX-AUTH/forgot-pwd', forgot))
    const notice = notifier.notices.at(-1)
    assert.ok(notice?.kind === 'password-reset')
    return [send2(notice.token, 'POST', '/v2.0/users/RAX-AUTH/pwd-reset', NEW)]
  },
  'it is disabled and enabled again in v2.0': async ({ login }) => {
    const root = await login('root')
    const path = '/v2.0/users/pia/OS-KSADM/enabled'
    return [send2(root, 'PUT', path, enable(false)), send2(root, 'PUT', path, enable(true))]
  },
  'it is disabled and enabled again in v3': async ({ enter }) => {
    const as = await enter('governor')
    return [false, true].map((is) => send3('PATCH', '/v3/users/pia', { as, body: enable(is) }))
  },
}

for (const [when, asks] of Object.entries(ENDING))
  onBothStores(`[W81] the application credentials of a user are over when ${when}`, async (store) => {
    const world = await opened(store)
    assert.equal(await logsIn(world, world.made), true)
    for (const ask of await asks(world)) {
      const { status, body } = await world.ask(ask)
      assert.ok(status < 300, `${ask.method} ${ask.path}: ${status} ${String(body)}`)
    }
    assert.equal(await logsIn(world, world.made), false)
    assert.equal(await world.realm.directory.get(IDENTITY_APP_CREDENTIALS, world.made.id), undefined)
  })

onBothStores(
  '[W81] application credentials stay when a user is renamed, gets another address, or is enabled again',
  async (store) => {
    const world = await opened(store)
    const as = await world.enter('governor')
    for (const user of [
      { name: 'other' },
      { email: 'p@example.org' },
      { description: 'x' },
      { enabled: true },
    ])
      assert.equal((await world.ask(send3('PATCH', '/v3/users/pia', { as, body: { user } }))).status, 200)
    assert.equal(await logsIn(world, world.made), true)
  },
)
