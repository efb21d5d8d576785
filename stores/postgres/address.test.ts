import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SettingsRefused, StoreRefused } from '@rescind/core'
import { parsePostgresUrl } from './address.ts'
import { passwordFor, passwordIn } from './password.ts'
import { serverProblem } from './start.ts'

test('a URL names user, host, port and database, or a socket', () => {
  const plain = ({ host, port, user, database, ssl }: ReturnType<typeof parsePostgresUrl>) => [
    host,
    port,
    user,
    database,
    ssl,
  ]
  const verified = { rejectUnauthorized: true }
  for (const [text, expected] of [
    ['postgres://u@db.example/rescind', ['db.example', 5_432, 'u', 'rescind', verified]],
    [
      'postgresql://u%40x@10.0.0.1:6000/a%20b?sslmode=verify-full',
      ['10.0.0.1', 6_000, 'u@x', 'a b', verified],
    ],
    ['postgres://u@localhost/d', ['localhost', 5_432, 'u', 'd', false]],
    ['postgres://u@[::1]:1/d', ['::1', 1, 'u', 'd', false]],
    ['postgres:///d?host=/var/run/postgresql&user=u', ['/var/run/postgresql', 5_432, 'u', 'd', false]],
  ] as const)
    assert.deepEqual(plain(parsePostgresUrl(text, 'store')), expected, text)
})

test('a URL with a password, without names, or with what would weaken the connection is refused', () => {
  for (const [text, why] of [
    ['postgres://u:secret@db/d', /a password in a URL is seen by others/],
    ['postgres://db/d', /name user and database/],
    ['postgres://u@db', /name user and database/],
    ['postgres:///d?user=u', /name the host/],
    ['postgres://u@db/d?sslmode=require', /always verified/],
    ['postgres://u@db/d?options=-c%20fsync=off', /the parameter options is not known/],
    ['postgres://u@db/d?sslrootcert=/nowhere.pem', /cannot be read/],
    ['postgres://u@localhost/d?sslrootcert=/nowhere.pem', /have no certificate/],
    ['postgres://u@localhost/d?sslmode=verify-full', /have no certificate/],
    ['postgres://u@db/d?host=/var/run/postgresql', /a host or a socket, and not both/],
  ] as const)
    assert.throws(
      () => parsePostgresUrl(text, '--store'),
      (error) =>
        error instanceof SettingsRefused && why.test(error.message) && !error.message.includes('secret'),
      text,
    )
})

test('a password file is read as libpq reads it', () => {
  const asked = { host: 'db', port: 5_432, database: 'd', user: 'u' }
  const text = '# db:5432:d:u:comment\nother:*:*:*:no\ndb:5432:d:u\ndb:*:d:u:a\\:b\\\\c\n*:*:*:*:last\n'
  assert.equal(passwordIn(text, asked), 'a:b\\c')
  assert.equal(passwordIn(text, { ...asked, user: 'v' }), 'last')
  assert.equal(passwordIn('localhost:*:*:*:socket', { ...asked, host: '/run' }), 'socket')
  assert.equal(passwordIn('db:5432:d:u:', asked), '')
  assert.equal(passwordIn('', asked), undefined)
})

test('the environment’s password comes first; a file that others can read is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-pgpass-'))
  try {
    const path = join(folder, 'pgpass')
    writeFileSync(path, '*:*:*:*:of the file', { mode: 0o600 })
    const asked = { host: 'db', port: 5_432, database: 'd', user: 'u' }
    assert.equal(passwordFor(asked, { PGPASSFILE: path }), 'of the file')
    assert.equal(passwordFor(asked, { PGPASSFILE: path, PGPASSWORD: 'given' }), 'given')
    assert.equal(passwordFor(asked, {}), undefined)
    chmodSync(path, 0o640)
    assert.throws(() => passwordFor(asked, { PGPASSFILE: path }), StoreRefused)
    assert.throws(() => passwordFor(asked, { PGPASSFILE: join(folder, 'none') }), StoreRefused)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what is not PostgreSQL 15 or newer is refused by name', () => {
  const real = 'PostgreSQL 15.13 (Debian 15.13-0+deb12u1) on x86_64-pc-linux-gnu'
  assert.equal(serverProblem({ version: real, major: 15 }), undefined)
  assert.match(
    serverProblem({ version: 'PostgreSQL 14.9 on x', major: 14 }) ?? '',
    /PostgreSQL 14: 15 or newer/,
  )
  for (const version of [
    'CockroachDB CCL v24.1',
    'PostgreSQL 15.2-YB-2.25.0.0-b0',
    'PostgreSQL 8.0.2, Redshift 1.0',
  ])
    assert.match(serverProblem({ version, major: 15 }) ?? '', /this is not PostgreSQL/)
})
