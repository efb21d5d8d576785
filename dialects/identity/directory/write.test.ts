import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Caller,
  callerFacts,
  issueTokens,
  mintText,
  PREFIX,
  putRecord,
  type Realm,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { openWorld } from '../../../test/kit/realm.ts'
import {
  type Change,
  type ChangeOf,
  COLLECTIONS,
  created,
  deleted,
  type Kind,
  type Kinds,
  put,
  updated,
} from './changes.ts'
import { isV3Admin, rolesInTenant, withGrant, withoutGrant } from './grants.ts'
import { otpDevice, seededMfa, unsealOtpSeed } from './mfa.ts'
import { appCredentialClient, domainScope, IDENTITY, PROOF, SYSTEM_SCOPE } from './names.ts'
import { identityUserValue, mfaOf, withApiKey } from './users.ts'
import { type DirectoryWritten, writeDirectory } from './write.ts'

function callerOf(realm: Realm): Caller {
  const facts = callerFacts({ source: 'control', subject: 'ops' }, realm.position())
  return { id: 'control:ops', from: 'local', dependency: { realm: realm.ordinal, facts } }
}

function write(realm: Realm, ...changes: Change[]): Promise<DirectoryWritten> {
  return writeDirectory(realm, changes, { caller: callerOf(realm), how: 'test' })
}

/** Tokens by name: user, scope and proof. */
const TOKENS = {
  annHome: ['ann', 't1', PROOF.single],
  annMfa: ['ann', 't1', PROOF.multi],
  annOther: ['ann', 't2', PROOF.single],
  annDomain: ['ann', domainScope('d1'), PROOF.single],
  annSystem: ['ann', SYSTEM_SCOPE, PROOF.single],
  annUnscoped: ['ann', undefined, PROOF.single],
  annSetup: ['ann', undefined, PROOF.setupMfa],
  annApp: ['ann', 't2', appCredentialClient('ac1')],
  bobHome: ['bob', 't1', PROOF.single],
  bobUnscoped: ['bob', undefined, PROOF.single],
} as const
type TokenName = keyof typeof TOKENS
const ANNS = Object.keys(TOKENS).filter((name) => name.startsWith('ann')) as TokenName[]
const HOME: TokenName[] = ['annHome', 'annMfa', 'bobHome']

async function openDirectory() {
  const { realm } = await openWorld()
  const user = (id: string, domainId: string) =>
    identityUserValue(realm, {
      id,
      username: id,
      roles: ['identity:default'],
      grants: [
        { roleId: 'r', tenantId: 't2' },
        { roleId: 'r', domainId: 'd1' },
        { roleId: 'member', system: true },
      ],
      enabled: true,
      passwordHash: 'old',
      tenantId: 't1',
      domainId,
    })
  const bob = { ...user('bob', 'd2'), grants: [{ roleId: '2' }] }
  const appCredential = { id: 'ac1', userId: 'ann', tenantId: 't2', name: 'ac', secretDigest: 'x' }
  const done = await write(
    realm,
    created('user', 'ann', { after: user('ann', 'd1') }),
    created('user', 'bob', { after: bob }),
    created('role', 'r', { after: { id: 'r', name: 'r', description: 'r' } }),
    created('domain', 'd1', { after: { id: 'd1', name: 'd1', enabled: true } }),
    created('tenant', 't1', { after: { id: 't1', name: 't1', enabled: true, domainId: 'd2' } }),
    created('tenant', 't2', { after: { id: 't2', name: 't2', enabled: true, domainId: 'd1' } }),
    created('appCredential', 'ac1', { after: { ...appCredential, roleIds: ['r'], isUnrestricted: false } }),
  )
  assert.equal(done.kind, 'written')
  const records = new Map<TokenName, TokenRecord>()
  for (const name of Object.keys(TOKENS) as TokenName[]) records.set(name, await tokenOf(realm, name))
  return { realm, records }
}

async function tokenOf(realm: Realm, name: TokenName): Promise<TokenRecord> {
  const [subject, tenant, client] = TOKENS[name]
  const principals = { source: IDENTITY, subject, client, ...(tenant === undefined ? {} : { tenant }) }
  const raw = mintText(PREFIX.identity, realm.random)
  const token = { ...principals, raw, kind: 'identity', expiresAtMs: realm.nowMs() + 1e6 } as const
  const issued = await issueTokens(realm, {
    judgedAt: realm.position(),
    caller: callerOf(realm),
    tokens: [token],
  })
  assert.equal(issued.kind, 'issued')
  return issued.kind === 'issued' ? (issued.records[0] ?? assert.fail()) : assert.fail()
}

async function change<K extends Kind>(
  realm: Realm,
  [of, id]: readonly [K, string],
  edit: (value: Kinds[K]) => Kinds[K] | undefined,
): Promise<ChangeOf<K>> {
  const entry = (await realm.directory.get(COLLECTIONS[of], id)) ?? assert.fail(`no ${of} ${id}`)
  const after = edit(entry.value)
  return after === undefined ? deleted(of, entry) : updated(of, entry, after)
}

type Case = {
  readonly what: string
  readonly dies: readonly TokenName[]
  readonly act: (realm: Realm) => Promise<Change>
}
const ann = ['user', 'ann'] as const
const mfa = (more: Partial<ReturnType<typeof mfaOf>>) => (user: Kinds['user']) => {
  return { ...user, mfa: { ...mfaOf(user), ...more } }
}
const NONE: TokenName[] = []
const SINGLE: TokenName[] = ['annHome', 'annOther', 'annDomain', 'annSystem', 'annUnscoped', 'annApp']

const CASES: readonly Case[] = [
  {
    what: 'a password set',
    dies: ANNS,
    act: (realm) => change(realm, ann, (u) => ({ ...u, passwordHash: 'new' })),
  },
  {
    what: 'a user disabled',
    dies: ANNS,
    act: (realm) => change(realm, ann, (u) => ({ ...u, enabled: false })),
  },
  { what: 'a user deleted', dies: ANNS, act: (realm) => change(realm, ann, () => undefined) },
  {
    what: 'MFA switched on',
    dies: ANNS,
    act: (realm) => change(realm, ann, mfa({ isEnabled: true })),
  },
  {
    what: 'MFA enforced on the user',
    dies: SINGLE,
    act: (realm) => change(realm, ann, mfa({ enforcement: 'REQUIRED' })),
  },
  {
    what: 'MFA enforced on the account',
    dies: [...SINGLE, 'bobHome', 'bobUnscoped'],
    act: async (realm) =>
      put('account', 't1', {
        state: await realm.directory.state(COLLECTIONS.account, 't1'),
        after: { id: 't1', mfaEnforcement: 'REQUIRED' },
      }),
  },
  {
    what: 'a user moved into an account that demands MFA',
    dies: SINGLE,
    act: async (realm) => {
      const state = await realm.directory.state(COLLECTIONS.account, 'strict')
      const after = { id: 'strict', mfaEnforcement: 'REQUIRED' } as const
      await write(realm, put('account', 'strict', { state, after }))
      return change(realm, ann, (u) => ({ ...u, accountId: 'strict' }))
    },
  },
  {
    what: 'an OTP device verified',
    dies: ['annSetup'],
    act: (realm) => change(realm, ann, (u) => ({ ...u, mfa: seededMfa(realm, 'ann', DEVICE) })),
  },
  {
    what: 'a role everywhere taken away',
    dies: ANNS,
    act: (realm) => change(realm, ann, (u) => withoutGrant(u, { roleId: '2' })),
  },
  {
    what: 'a role on a project taken away',
    dies: ['annOther', 'annApp'],
    act: (realm) => change(realm, ann, (u) => withoutGrant(u, { roleId: 'r', tenantId: 't2' })),
  },
  {
    what: 'a role on a domain taken away',
    dies: ['annDomain'],
    act: (realm) => change(realm, ann, (u) => withoutGrant(u, { roleId: 'r', domainId: 'd1' })),
  },
  {
    what: 'a role on the system taken away',
    dies: ['annSystem'],
    act: (realm) => change(realm, ann, (u) => withoutGrant(u, { roleId: 'member', system: true })),
  },
  {
    what: 'a role deleted',
    dies: ['annOther', 'annApp', 'annDomain'],
    act: (realm) => change(realm, ['role', 'r'], () => undefined),
  },
  {
    what: 'a default project moved',
    dies: ['annHome', 'annMfa'],
    act: (realm) => change(realm, ann, (u) => ({ ...u, tenantId: 't2' })),
  },
  {
    what: 'a project disabled',
    dies: HOME,
    act: (realm) => change(realm, ['tenant', 't1'], (t) => ({ ...t, enabled: false })),
  },
  {
    what: 'a project deleted',
    dies: ['annOther', 'annApp'],
    act: (realm) => change(realm, ['tenant', 't2'], () => undefined),
  },
  {
    what: 'a domain disabled',
    dies: ANNS,
    act: (realm) => change(realm, ['domain', 'd1'], (d) => ({ ...d, enabled: false })),
  },
  {
    what: 'a domain deleted',
    dies: ANNS,
    act: (realm) => change(realm, ['domain', 'd1'], () => undefined),
  },
  {
    what: 'an application credential deleted',
    dies: ['annApp'],
    act: (realm) => change(realm, ['appCredential', 'ac1'], () => undefined),
  },
  {
    what: 'an API key reset',
    dies: NONE,
    act: (realm) => change(realm, ann, (u) => withApiKey(realm, u, 'another')),
  },
  {
    what: 'a role given',
    dies: NONE,
    act: (realm) => change(realm, ann, (u) => withGrant(u, { roleId: 'r', tenantId: 't3' })),
  },
  {
    what: 'a name changed',
    dies: NONE,
    act: (realm) => change(realm, ann, (u) => ({ ...u, username: 'anna' })),
  },
]
const DEVICE = { isEnabled: false, enforcement: 'DEFAULT', totpBase32: 'JBSWY3DPEHPK3PXP' } as const

for (const { what, dies, act } of CASES) {
  test(`[B05] ${what} ends ${dies.length === 0 ? 'no token' : dies.join(', ')}, and nothing else`, async () => {
    const { realm, records } = await openDirectory()
    assert.deepEqual(await write(realm, await act(realm)), { kind: 'written' })
    const dead = [...records].filter(([, record]) => realm.judge(record).kind !== 'active')
    assert.deepEqual(new Set(dead.map(([name]) => name)), new Set(dies))
  })
}

test('[B07] deleting a domain deletes its users, its projects and their application credentials', async () => {
  const { realm } = await openDirectory()
  await write(realm, await change(realm, ['domain', 'd1'], () => undefined))
  const found = async <K extends Kind>(of: K, id: string) =>
    (await realm.directory.get(COLLECTIONS[of], id)) !== undefined
  assert.equal(await found('user', 'ann'), false)
  assert.equal(await found('tenant', 't2'), false)
  assert.equal(await found('appCredential', 'ac1'), false)
  assert.equal(await found('user', 'bob'), true)
  assert.equal(await found('tenant', 't1'), true)
})

test('a name of another record is refused, and nothing is written', async () => {
  const { realm } = await openDirectory()
  const renamed = await change(realm, ann, (user) => ({ ...user, username: 'bob', enabled: false }))
  assert.deepEqual(await write(realm, renamed), { kind: 'name-taken' })
  assert.equal((await realm.directory.get(COLLECTIONS.user, 'ann'))?.value.enabled, true)
})

test('of two changes judged by the same record version, one is stale', async () => {
  const { realm } = await openDirectory()
  const one = await change(realm, ann, (user) => ({ ...user, email: 'a@example.org' }))
  const other = await change(realm, ann, (user) => ({ ...user, email: 'b@example.org' }))
  const kinds = (await Promise.all([write(realm, one), write(realm, other)])).map(({ kind }) => kind)
  assert.deepEqual(kinds.sort(), ['stale', 'written'])
})

test('a TOTP seed is stored sealed, and opens only for its user and device', async () => {
  const { realm } = await openDirectory()
  const given = { id: 'd', name: 'phone', seedBase32: 'JBSWY3DPEHPK3PXP', isVerified: true }
  const device = otpDevice(realm, 'ann', given)
  assert.ok(!JSON.stringify(device).includes(given.seedBase32))
  assert.equal(unsealOtpSeed(realm, 'ann', device), given.seedBase32)
  assert.equal(unsealOtpSeed(realm, 'bob', device), undefined)
  assert.equal(unsealOtpSeed(realm, 'ann', { ...device, id: 'e' }), undefined)
})

test('a project token carries roles on the project and global ones; a v3 admin has its role globally or on the system', async () => {
  const { realm } = await openDirectory()
  const user = (await realm.directory.get(COLLECTIONS.user, 'ann'))?.value ?? assert.fail()
  assert.deepEqual(rolesInTenant(user, 't2'), ['2', 'r'])
  assert.equal(isV3Admin(user), false)
  assert.equal(isV3Admin({ ...user, grants: [{ roleId: 'admin' }] }), true)
  assert.equal(isV3Admin({ ...user, grants: [{ roleId: 'admin', system: true }] }), true)
  assert.equal(isV3Admin({ ...user, grants: [{ roleId: 'admin', tenantId: 't2' }] }), false)
})

test('[W85] new text with a credential is refused, and existing text is accepted, also when moved', async () => {
  const { realm } = await openWorld()
  realm.keptText = (text) => Promise.resolve(text.replaceAll('secret', 'tok_x'))
  const seedBase32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  const device = (id: string, name: string): ReturnType<typeof otpDevice> =>
    otpDevice(realm, 'u', { id, name, seedBase32, isVerified: true })
  const plain = identityUserValue(realm, { id: 'u', username: 'u', enabled: true, roles: [] })
  const mfa = { ...mfaOf(plain), otpDevices: [device('1', 'first'), device('2', 'my secret')] }
  const user = { ...plain, mfa }
  const standing = putRecord(
    realm,
    { collection: COLLECTIONS.user, id: 'u', value: user, fromVersion: 0 },
    { by: 'test', from: 'local', how: 'test' },
  )
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: standing })
  const entry = await realm.directory.get(COLLECTIONS.user, 'u')
  assert.ok(entry !== undefined)
  const withDevices = (...otpDevices: typeof mfa.otpDevices): Change =>
    updated('user', entry, { ...user, mfa: { ...mfa, otpDevices } })
  const grown = await write(realm, withDevices(...mfa.otpDevices, device('3', 'another secret')))
  assert.equal(grown.kind, 'holds-credential')
  const shrunk = await write(realm, withDevices(...mfa.otpDevices.slice(1)))
  assert.equal(shrunk.kind, 'written', 'a device can be taken away before one with such a name')
})
