import assert from 'node:assert/strict'
import { Calls } from '../kit/calls.ts'
import { openServer, type TestServer } from '../kit/in-process.ts'
import { BOB, GATEWAY, ROOT } from '../kit/seed.ts'
import { python, type Ran, run } from './command.ts'

async function withServer<T>(act: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await openServer({ time: 'real', flags: ['--identity-rate', '0'] })
  try {
    return await act(server)
  } finally {
    await server.close()
  }
}

export function keystoneclientV3(): Promise<string> {
  const people = [ROOT.username, ROOT.password, BOB.id, BOB.username, BOB.password, BOB.tenant]
  return withServer(({ url }) => python('keystoneclient_v3.py', [url, ...people]))
}

export function keystonemiddleware(): Promise<string> {
  const people = [ROOT.username, ROOT.password, ROOT.tenant, BOB.id, BOB.password, BOB.tenant]
  return withServer(({ url }) => python('keystonemiddleware_v3.py', [url, ...people]))
}

type Login = Readonly<Record<string, string>>

/** Runs `openstack` with a login. @returns its JSON, if it prints some. */
type Openstack = (login: Login, words: string) => Promise<Ran>

const ROOT_LOGIN: Login = {
  OS_USERNAME: ROOT.username,
  OS_PASSWORD: ROOT.password,
  OS_USER_DOMAIN_ID: 'default',
  OS_PROJECT_ID: ROOT.tenant,
}
const PIA: Login = {
  OS_USERNAME: 'pia',
  OS_PASSWORD: 'pia-secret',
  OS_USER_DOMAIN_NAME: 'blue',
  OS_PROJECT_DOMAIN_NAME: 'blue',
  OS_PROJECT_NAME: 'team',
}

/** Debian's `openstack`, which discovers v3 by itself: the whole life of a user, and of a token. */
export function openstackV3(): Promise<string> {
  return withServer(async ({ url, port }) => {
    const openstack: Openstack = (login, words) =>
      run('openstack', words.split(' '), {
        OS_IDENTITY_API_VERSION: '3',
        OS_AUTH_URL: url,
        HOME: '/nonexistent',
        ...login,
      })
    const calls = new Calls(port)
    try {
      await administer(openstack)
      await endTokens(openstack, calls)
      await takeAway(openstack)
    } finally {
      calls.close()
    }
    return 'openstack: administered, issued, revoked, refused'
  })
}

async function works(openstack: Openstack, login: Login, words: string): Promise<string> {
  const { status, output, errors } = await openstack(login, words)
  assert.equal(status, 0, `openstack ${words}: ${errors}`)
  return output
}

async function fails(openstack: Openstack, login: Login, words: string): Promise<string> {
  const { status, errors } = await openstack(login, words)
  assert.notEqual(status, 0, `openstack ${words} should fail`)
  return errors
}

async function administer(openstack: Openstack): Promise<void> {
  for (const words of [
    'domain create blue --description The-blue-domain',
    'project create team --domain blue',
    'user create pia --domain blue --project team --project-domain blue --password pia-secret --email pia@example.org',
    'role create painter',
    'role add painter --user pia --user-domain blue --project team --project-domain blue',
    'project set team --domain blue --description Paints',
    'user set pia --domain blue --description Pia',
    'role show painter',
    'catalog list',
    'service list',
    'endpoint list',
  ])
    await works(openstack, ROOT_LOGIN, words)
  assert.match(await works(openstack, ROOT_LOGIN, 'user show pia --domain blue -f json'), /pia@example\.org/)
  assert.match(await works(openstack, ROOT_LOGIN, 'project list --domain blue -f json'), /"team"/)
  assert.match(await works(openstack, ROOT_LOGIN, 'user list --domain blue -f json'), /"pia"/)
  assert.match(await works(openstack, ROOT_LOGIN, 'domain list -f json'), /"blue"/)
  assert.match(
    await works(openstack, ROOT_LOGIN, 'role assignment list --names -f json'),
    /"painter",\s+"User": "pia@blue"/,
  )
}

async function issued(openstack: Openstack, login: Login): Promise<string> {
  const { id } = JSON.parse(await works(openstack, login, 'token issue -f json')) as { readonly id: string }
  return id
}

async function endTokens(openstack: Openstack, calls: Calls): Promise<void> {
  const token = await issued(openstack, PIA)
  assert.equal(await calls.isActive(GATEWAY, token), true)
  await works(openstack, ROOT_LOGIN, `token revoke ${token}`)
  assert.equal(await calls.isActive(GATEWAY, token), false)
  assert.match(await fails(openstack, ROOT_LOGIN, `token revoke ${token}`), /404/)
  assert.match(await works(openstack, PIA, 'project list --my-projects -f json'), /"team"/)
  assert.match(await fails(openstack, PIA, 'user list'), /403/)
  const made = JSON.parse(await works(openstack, PIA, 'application credential create ci -f json')) as {
    readonly id: string
    readonly secret: string
  }
  const app: Login = {
    OS_AUTH_TYPE: 'v3applicationcredential',
    OS_APPLICATION_CREDENTIAL_ID: made.id,
    OS_APPLICATION_CREDENTIAL_SECRET: made.secret,
  }
  const byApp = await issued(openstack, app)
  assert.equal(await calls.isActive(GATEWAY, byApp), true)
  assert.match(await works(openstack, PIA, 'application credential list -f json'), /"ci"/)
  await works(openstack, PIA, 'application credential delete ci')
  assert.equal(await calls.isActive(GATEWAY, byApp), false)
  assert.match(await fails(openstack, app, 'token issue'), /401/)
}

async function takeAway(openstack: Openstack): Promise<void> {
  await works(openstack, PIA, 'user password set --original-password pia-secret --password pia-secret-2')
  assert.match(await fails(openstack, PIA, 'token issue'), /401/)
  const pia = { ...PIA, OS_PASSWORD: 'pia-secret-2' }
  await issued(openstack, pia)
  await works(
    openstack,
    ROOT_LOGIN,
    'role remove painter --user pia --user-domain blue --project team --project-domain blue',
  )
  assert.match(await fails(openstack, pia, 'token issue'), /401/)
  for (const words of [
    'user delete pia --domain blue',
    'project delete team --domain blue',
    'role delete painter',
  ])
    await works(openstack, ROOT_LOGIN, words)
  await works(openstack, ROOT_LOGIN, 'domain set blue --disable')
  await works(openstack, ROOT_LOGIN, 'domain delete blue')
  assert.match(await fails(openstack, ROOT_LOGIN, 'domain show blue'), /blue/)
}
