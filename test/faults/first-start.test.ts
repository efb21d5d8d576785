import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore } from '@rescind/stores'
import { START_MS } from '../kit/realm.ts'
import { ANN, CHAT, GATEWAY, SVC } from '../kit/seed.ts'
import { makeHome } from '../kit/server.ts'
import { accessTokenIn, Calls, chatTokenIn, identityTokenIn } from './kit/calls.ts'
import { FaultyStore } from './kit/crashing-store.ts'
import { startLocally } from './kit/local-server.ts'

const EMPTY_SEED = { realms: [] }
/** Without passwords, because hashing them takes most of the time of a start. */
const SMALL_SEED = {
  realms: [
    {
      name: 'default',
      chatApps: [{ name: CHAT.app, apiKey: CHAT.apiKey, clientKey: CHAT.clientKey }],
      oauthClients: [
        { ...SVC, grantTypes: ['client_credentials', 'refresh_token'] },
        { ...GATEWAY, grantTypes: ['client_credentials'], introspect: 'any' },
      ],
      identity: {
        tenants: [{ id: ANN.tenant, name: ANN.tenant }],
        users: [{ id: ANN.id, username: ANN.username, apiKey: ANN.apiKey, tenantId: ANN.tenant }],
      },
    },
    { name: 'second' },
  ],
}

test('a first start that dies at any of its commits is finished by the next start', async (t) => {
  const crashes = await dieAtEach({ seed: EMPTY_SEED, check: assertBothRealms(['/v2.0']) })
  t.diagnostic(`${crashes} crashes`)
})

test('a first start that dies while it seeds is finished by the next start with the same seed', async (t) => {
  const crashes = await dieAtEach({
    seed: SMALL_SEED,
    check: async (calls) => {
      await assertBothRealms(['/v2.0', '/realms/second/v2.0'])(calls)
      accessTokenIn(await calls.oauthIssue())
      accessTokenIn(await calls.oauthGrant('ann'))
      identityTokenIn(await calls.identityLogin())
      chatTokenIn(await calls.chatIssue('c1'))
    },
  })
  t.diagnostic(`${crashes} crashes`)
})

type FirstStart = { readonly seed: unknown; readonly check: (calls: Calls) => Promise<void> }

/** @returns the number of crashes: two for each commit, before and after it reached the disk. */
async function dieAtEach(start: FirstStart): Promise<number> {
  let crashes = 0
  for (let commit = 0; ; commit += 1) {
    for (const isWritten of [false, true]) {
      if (!(await dieAt(commit, isWritten, start))) return crashes
      crashes += 1
    }
  }
}

/** @returns whether there is a commit of this number. */
async function dieAt(commit: number, isWritten: boolean, { seed, check }: FirstStart): Promise<boolean> {
  const home = makeHome()
  const disk = new MemoryStore(START_MS)
  const dying = new FaultyStore(disk)
  dying.fail({ commit, isWritten, isCurable: false })
  const first = startLocally({ home, store: dying.store, seed })
  const died = await first.then(
    (server) => server.close().then(() => false),
    () => true,
  )
  if (died) {
    const when = `after a crash at commit ${commit}, ${isWritten ? 'written' : 'not written'}`
    const server = await startLocally({ home, store: disk, seed }).catch((error: unknown) => {
      throw new Error(`${when} the store cannot be opened any more`, { cause: error })
    })
    const calls = new Calls(server.url)
    await check(calls)
    calls.close()
    await server.close()
  }
  home.remove()
  return died
}

function assertBothRealms(paths: readonly string[]): FirstStart['check'] {
  return async (calls) => {
    for (const path of paths) assert.equal((await calls.get(path)).status, 200)
    // The control key of the first start works: the subject is refused, not the key.
    assert.equal((await calls.oauthGrant('')).status, 422)
  }
}
