import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type CliEnded, runCli } from '../../../test/kit/cli/command-line.ts'
import { openTerminal } from '../../../test/kit/cli/terminal.ts'
import { openServer, type TestServer } from '../../../test/kit/in-process.ts'
import { CONTROL_KEY, type Home, makeQuickHome } from '../../../test/kit/server.ts'
import { RESOURCES } from './resources.ts'

let server: TestServer
let home: Home

before(async () => {
  server = await openServer({ time: 'real' })
  home = makeQuickHome()
})
after(async () => {
  home.remove()
  await server.close()
})

const environment = (): Record<string, string> => ({ RESCIND_URL: server.url, RESCIND_KEY: CONTROL_KEY })
const rescind = (words: readonly string[], input?: string): Promise<CliEnded> =>
  runCli({
    words,
    environment: environment(),
    folder: home.folder,
    ...(input === undefined ? {} : { input }),
  })
const jsonOf = (ended: CliEnded): unknown => {
  assert.equal(ended.code, 0, ended.stderr)
  return JSON.parse(ended.stdout)
}

/** Reads that are no collection: streams, the description itself, and what other commands show. */
const NO_COLLECTION = [
  /^\/openapi\.json$|^\/feed(?:\/|$)|^\/stats(?:\/|$)/,
  /\/export$/,
  /\/(?:events|evidence|exposure)$/,
  /^\/revocations\/bulk|^\/evidence\//,
]

test('the table lists every collection of the API, and what can be done to it', async () => {
  const headers = { authorization: `Bearer ${CONTROL_KEY}` }
  const answer = await fetch(`${server.url}/control/v1/openapi.json`, { headers })
  const { paths } = (await answer.json()) as { paths: Readonly<Record<string, object>> }
  const doors = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [path.replace('/control/v1', ''), method.toUpperCase()] as const),
  )
  const known = new Set(
    RESOURCES.flatMap((one) => {
      const record = one.member === undefined ? one.path : `${one.path}/{}`
      return [
        `GET ${one.path}`,
        ...(one.hasRecords ? [`GET ${record}`] : []),
        ...(one.creates ? [`POST ${one.path}`] : []),
        ...(one.changes === undefined ? [] : [`${one.changes} ${record}`]),
        ...(one.removes ? [`DELETE ${record}`] : []),
      ]
    }).map(bare),
  )
  const served = new Set(doors.map(([path, method]) => bare(`${method} ${path}`)))
  for (const door of known) assert.ok(served.has(door), `the API has no ${door}`)
  for (const [path, method] of doors) {
    if (method === 'POST' || NO_COLLECTION.some((one) => one.test(path))) continue
    // Ending one secret of a client is no deletion of a record: it changes the client.
    if (path.endsWith('/secrets/{secretId}')) continue
    assert.ok(
      known.has(bare(`${method} ${path}`)),
      `cli/commands/records/resources.ts lacks ${method} ${path}`,
    )
  }
})

/** Parameters have names of their own. */
function bare(door: string): string {
  return door.replaceAll(/\{\w*\}/g, '{}')
}

test('each list is read, and its columns are members of what is there', async () => {
  for (const { name, path, columns } of RESOURCES.filter((one) => !one.path.includes('{'))) {
    const items = jsonOf(await rescind(['get', name, '--json', '--limit', '3']))
    const first = Array.isArray(items) ? (items[0] as object | undefined) : undefined
    if (first !== undefined)
      assert.ok(
        columns.some((column) => column in first),
        `${path}: ${Object.keys(first)}`,
      )
  }
  const { stdout } = await rescind(['get', 'keys'])
  assert.match(stdout, /^id +name +role +realm/)
  assert.match(stdout, /^first +first +admin/m)
})

test('the audit says who did what, also only since an hour ago, and no other list takes --since', async () => {
  await rescind(
    ['put', 'clients', 'audited', '-f', '-', '--show-secret'],
    '{"grantTypes": ["client_credentials"]}',
  )
  const { code, stdout, stderr } = await rescind(['get', 'audit', '--since', '1h'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^seq +at +by +call +what +why +from$/m)
  assert.match(stdout, / first +control\.createClient +change oauthClients audited +– +127\.0\.0\.1$/m)
  assert.equal(
    (await rescind(['revoke', '--source', 'oauth', '--client', 'audited', '--reason', 'r 1', '--yes'])).code,
    0,
  )
  assert.match(
    (await rescind(['get', 'audit', '--limit', '1'])).stdout,
    / first +control\.revoke +revoke everything of client audited in oauth +r 1 +127/,
  )
  assert.deepEqual(jsonOf(await rescind(['get', 'audit', '--since', '2199-01-01T00:00:00Z', '--json'])), [])
  for (const [words, why] of [
    [['get', 'keys', '--since', '1h'], /--since: only of a log/],
    [['get', 'audit', '--since', 'soon'], /--since: this is no instant/],
    [['get', 'audit', '--since', '999999999d'], /--since: this is too long ago/],
  ] as const) {
    const refused = await rescind(words)
    assert.equal(refused.code, 2, words.join(' '))
    assert.match(refused.stderr, why)
  }
})

test('a client is created with its secret in a private file, changed by its version, and deleted', async () => {
  const secretFile = join(home.folder, 'svc.secret')
  const file = join(home.folder, 'reports.json')
  writeFileSync(file, JSON.stringify({ grantTypes: ['client_credentials'], scopes: ['read'] }))
  const put = ['put', 'clients', 'reports', '--file', file]

  const unsaid = await rescind(put)
  assert.deepEqual([unsaid.code, unsaid.stdout], [2, ''])
  assert.match(unsaid.stderr, /--secret-file FILE, or --show-secret/)
  const tried = await rescind([...put, '--dry-run'])
  assert.match(tried.stdout, /would create[\s\S]*The server has not checked it[\s\S]*Nothing was changed/)

  const created = await rescind([...put, '--secret-file', secretFile])
  assert.match(created.stdout, /^clients "reports": created\n/, created.stderr)
  const secret = readFileSync(secretFile, 'utf8').trim()
  assert.ok(secret.length > 20 && !created.stdout.includes(secret))
  assert.equal(statSync(secretFile).mode & 0o777, 0o600)

  // What a record shows beside what can be set does no harm.
  const record = jsonOf(await rescind(['get', 'clients', 'reports', '--json'])) as object
  const again = await rescind(['put', 'clients', 'reports', '-f', '-'], JSON.stringify(record))
  assert.match(again.stdout, /as the file says already/, again.stderr)
  const changed = await rescind(
    ['put', 'clients', 'reports', '-f', '-'],
    JSON.stringify({ ...record, name: 'Reports' }),
  )
  assert.match(changed.stdout, /^clients "reports": changed\n[\s\S]*name +Reports/, changed.stderr)

  const refused = await rescind(['delete', 'clients', 'reports'])
  assert.deepEqual([refused.code, refused.stdout], [2, ''])
  const gone = await rescind(['delete', 'clients', 'reports', '--yes', '--json'])
  assert.equal((jsonOf(gone) as { deleted: boolean }).deleted, true)
  const missing = await rescind(['get', 'clients', 'reports', '--json'])
  assert.equal(missing.code, 1)
  assert.equal((JSON.parse(missing.stderr) as { error: { status: number } }).error.status, 404)
})

test('a secret is printed on request, and a file that exists is not overwritten', async () => {
  const body = JSON.stringify({ name: 'bob', role: 'viewer' })
  const taken = join(home.folder, 'taken')
  writeFileSync(taken, 'mine')
  const refused = await rescind(['put', 'keys', '-f', '-', '--secret-file', taken], body)
  assert.deepEqual([refused.code, readFileSync(taken, 'utf8')], [2, 'mine'])
  const { record } = jsonOf(await rescind(['put', 'keys', '-f', '-', '--show-secret', '--json'], body)) as {
    readonly record: { readonly id: string; readonly key: string }
  }
  assert.match(record.key, /^\S{20,}$/)
  const listed = jsonOf(await rescind(['get', 'keys', '--json'])) as { name: string }[]
  assert.equal(listed.filter(({ name }) => name === 'bob').length, 1, 'the refused one created nothing')
  // A failed creation leaves no empty file.
  const empty = join(home.folder, 'empty')
  const failed = await rescind(
    ['put', 'keys', '-f', '-', '--secret-file', empty],
    '{"name":"eve","role":"queen"}',
  )
  assert.equal(failed.code, 1)
  assert.throws(() => statSync(empty))
})

test('a check profile is created and replaced, settings are changed, and a store-wide record names no realm', async () => {
  const profile = JSON.stringify({ scopes: ['read'] })
  assert.match((await rescind(['put', 'profiles', 'reports', '-f', '-'], profile)).stdout, /created/)
  assert.match(
    (await rescind(['put', 'profiles', 'reports', '-f', '-'], '{"scopes":["write"]}')).stdout,
    /changed/,
  )
  assert.match(
    (await rescind(['put', 'settings', '-f', '-'], '{"maxLifetimeSeconds":864000}')).stdout,
    /864000/,
  )
  const realm = await rescind(['put', 'realms', 'eu', '-f', '-', '--realm', 'default'], '{}')
  assert.match(realm.stdout, /realms "eu": created/, realm.stderr)
  const inRealm = await rescind(['get', 'settings', '--realm', 'eu', '--json'])
  assert.notEqual((jsonOf(inRealm) as { maxLifetimeSeconds: number }).maxLifetimeSeconds, 864_000)
})

test('a change that cannot be meant is refused: unknown kinds, ids that the server gives, junk', async () => {
  for (const [words, input, why] of [
    [['get', 'clinets'], '', /unknown word "clinets": did you mean clients\?/],
    [['get', 'clients', 'a', 'b'], '', /unknown argument "b"/],
    [['get', 'user-credentials'], '', /whose is not said: it is: rescind get user-credentials userId/],
    [['put', 'keys', 'key_1', '-f', '-'], '{}', /there is no "key_1": a new one gets its id from the server/],
    [['put', 'clients', 'x', '-f', '-'], '[1]', /not one JSON object/],
    [['put', 'clients', 'x'], '', /give it as --file/],
    [['put', 'audit', '-f', '-'], '{}', /unknown word "audit"/],
  ] as const) {
    const { code, stdout, stderr } = await rescind(words, input)
    assert.deepEqual([code, stdout], [2, ''], words.join(' '))
    assert.match(stderr, why)
  }
})

test('a deletion is asked for on a terminal, and a no changes nothing', async (t) => {
  await rescind(['put', 'profiles', 'kept', '-f', '-'], '{}')
  const ask = async (keys: string): Promise<readonly [number, string]> => {
    const terminal = openTerminal({
      words: ['delete', 'profiles', 'kept'],
      environment: environment(),
      folder: home.folder,
    })
    t.after(() => terminal.kill())
    await terminal.shows(/Delete profiles "kept"\?/)
    terminal.type(keys)
    return [await terminal.ended, terminal.screen]
  }
  const [code, screen] = await ask('\r')
  assert.equal(code, 1)
  assert.match(screen, /Nothing was changed/)
  assert.equal((await ask('\x03'))[0], 130)
  assert.equal((await rescind(['get', 'profiles', 'kept'])).code, 0)
  assert.equal((await ask('y'))[0], 0)
  assert.equal((await rescind(['get', 'profiles', 'kept'])).code, 1)
})

test('the clock is confirmed, once it is asked for', async () => {
  assert.equal((await rescind(['clock', 'confirm'])).code, 2)
  assert.match((await rescind(['clock', 'confirm', '--dry-run'])).stdout, /would be taken for right/)
  const { floor } = jsonOf(await rescind(['clock', 'confirm', '--yes', '--json'])) as { floor: string }
  assert.match(floor, /^\d{4}-/)
})
