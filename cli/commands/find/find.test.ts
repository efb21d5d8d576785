import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { textAt } from '../../../test/kit/calls.ts'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { SEED, SVC } from '../../../test/kit/seed.ts'
import { CONTROL_KEY } from '../../../test/kit/server.ts'

type Json = Readonly<Record<string, unknown>>
type Found = { readonly complete: boolean; readonly findings: readonly Json[] }

let responder: Responder
before(async () => {
  responder = await Responder.open({ seed: { ...SEED, realms: [...SEED.realms, { name: 'branch' }] } })
  await responder.calls.oauthGrant('ann')
  await responder.calls.chatClient('ann')
  await responder.calls.chatToken('ann')
})
after(() => responder.close())

test('everything of a person is found in every dialect, each with the command that ends it', async () => {
  const { code, stdout, stderr } = await responder.run(['find', 'ann'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^It may be: person$/m)
  assert.match(stdout, /^default +identity +user +77 +ann +live +0$/m)
  assert.match(stdout, /^default +oauth +subject +ann +live +2$/m)
  for (const command of [
    'rescind end user 77',
    'rescind revoke --source oauth --subject ann',
    'rescind revoke --source chat/acme --client ann',
  ])
    assert.ok(stdout.includes(`\n  ${command}\n`), `${command}\n${stdout}`)
  assert.match(stdout, /rescind end user 77\n +\(without --password, /)
  assert.match(stdout, /^searched +default: .*oauth/m)
})

test('the commands that are shown work as they are, and with --json stand beside what they end', async () => {
  const { stdout } = await responder.run(['find', 'ann', '--json'])
  const { findings } = JSON.parse(stdout) as Found
  const commands = findings.flatMap(({ command }) => (typeof command === 'string' ? [command] : []))
  assert.ok(commands.length >= 3)
  for (const command of commands) {
    const dry = await responder.run([...command.split(' ').slice(1), '--dry-run', '--json'])
    assert.equal(dry.code, 0, `${command}: ${dry.stderr}`)
  }
})

test('a token is found by - from standard input and from a hidden prompt, and its command holds a handle', async () => {
  const token = await responder.calls.oauthToken(SVC)
  const piped = await responder.run(['find', '-'], { input: token })
  assert.equal(piped.code, 0, piped.stderr)
  assert.match(piped.stdout, /^It may be: token$[\s\S]*^ {2}rescind revoke tok_[\w-]{22}$/m)
  const terminal = responder.sit(['find'])
  await terminal.shows(/What to look for \(hidden\)/)
  terminal.type(`${token}\r`)
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.ok(!piped.stdout.includes(token) && !terminal.bytes.includes(token))
})

test('a key is recognised, with what ends it, and is refused on the command line', async () => {
  const key = textAt(await responder.calls.control('POST /keys', { name: 'leaked', role: 'viewer' }), 'key')
  const piped = await responder.run(['find'], { input: key })
  assert.equal(piped.code, 0)
  assert.match(piped.stdout, /It may be: credential \(controlKey\); what ends it: rescind delete keys key_/)
  assert.doesNotMatch(piped.stdout, /Nothing was found/)
  const { code, stderr } = await responder.run(['find', key])
  assert.equal(code, 2)
  assert.match(stderr, /may be a token or a key; give it by -[^\n]*counts as shown/)
  assert.ok(!stderr.includes(key) && !piped.stdout.includes(key))
})

test('nothing found is exit code 1, with what was searched', async () => {
  const { code, stdout } = await responder.run(['find', 'nobody'])
  assert.equal(code, 1)
  assert.match(stdout, /Nothing was found\.[\s\S]*searched +/)
})

test('a realm is searched by --realm, all of them by --all, and a finding of another one names it', async () => {
  await responder.calls.control('POST /clients?realm=branch', {
    clientId: 'remote',
    grantTypes: ['client_credentials'],
  })
  const one = await responder.run(['find', 'remote', '--realm', 'default'])
  assert.equal(one.code, 1)
  const all = await responder.run(['find', 'remote', '--realm', 'default', '--all'])
  assert.equal(all.code, 0, all.stderr)
  assert.match(all.stdout, /rescind revoke --source oauth --client remote --realm branch/)
})

test('a token is looked up by a hidden prompt, standard input or its handle: whose it is, and what to do next', async () => {
  const { access } = await responder.calls.oauthGrant('looked-up')
  const piped = await responder.run(['lookup'], { input: access })
  assert.equal(piped.code, 0, piped.stderr)
  assert.match(piped.stdout, /^state +active: it is accepted$[\s\S]*^subject +looked-up$[\s\S]*^last used /m)
  const handle = /rescind revoke (tok_[\w-]{22})/.exec(piped.stdout)?.[1] ?? ''
  assert.match(piped.stdout, /rescind revoke grt_[\s\S]*rescind find looked-up/)
  const terminal = responder.sit(['lookup', '-'])
  await terminal.shows(/The token \(hidden\)/)
  terminal.type(`${access}\r`)
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.ok(!terminal.bytes.includes(access) && !piped.stdout.includes(access))
  assert.equal((await responder.run(['revoke', handle, '--reason', 'r', '--yes'])).code, 0)
  for (const words of [
    ['lookup', handle],
    ['lookup', '--handle', handle],
  ]) {
    const { stdout } = await responder.run([...words, '--json'])
    const { state, commands } = JSON.parse(stdout) as { state: string; commands: readonly string[] }
    assert.deepEqual([state, commands.includes(`rescind revoke ${handle}`)], ['revoked', false])
  }
})

test('a lookup of a revoked token names its receipt, or how to look for one that named its subject', async () => {
  const token = await responder.calls.oauthToken(SVC)
  const handle = /rescind revoke (tok_[\w-]{22})/.exec(
    (await responder.run(['lookup'], { input: token })).stdout,
  )?.[1]
  assert.equal((await responder.run(['revoke', String(handle), '--reason', 'leaked', '--yes'])).code, 0)
  const { stdout } = await responder.run(['lookup'], { input: token })
  const receipt = /^revoked by +(rev_1_\d+), .*: leaked$/m.exec(stdout)?.[1]
  assert.ok(receipt !== undefined && stdout.includes(`rescind receipts show ${receipt}\n`), stdout)
  const again = await responder.run(['revoke', '-', '--reason', 'r', '--yes'], { input: token })
  assert.match(
    again.stderr,
    new RegExp(`^tokens +0 live tokens\nended +was revoked before, by ${receipt} `, 'm'),
  )

  const { access } = await responder.calls.oauthGrant('all-of-it')
  const words = ['revoke', '--source', 'oauth', '--subject', 'all-of-it', '--reason', 'r', '--yes']
  assert.equal((await responder.run(words)).code, 0)
  const covered = await responder.run(['lookup'], { input: access })
  assert.match(
    covered.stdout,
    /look for its receipt by its subject +rescind receipts --source oauth --subject all-of-it$/m,
  )
  const dry = await responder.run(['revoke', '-', '--dry-run'], { input: access })
  assert.match(dry.stdout, /^ended +it is not live; rescind lookup tok_/m)
})

test('what is held is found with the commands that lift its hold or end it for good', async () => {
  const token = await responder.calls.oauthGrant('held-one')
  const words = ['hold', '--source', 'oauth', '--subject', 'held-one', '--reason', 'odd', '--yes', '--json']
  const id = String((JSON.parse((await responder.run(words)).stdout) as Json)['id'])
  const other = ['hold', '--source', 'oauth', '--subject', 'else', '--reason', 'odd', '--yes']
  assert.equal((await responder.run(other)).code, 0)
  for (const [text, input] of [['held-one'], [id], ['-', token.access]] as const) {
    const { stdout } = await responder.run(['find', text], input === undefined ? {} : { input })
    assert.ok(stdout.includes(`\n  rescind release ${id}\n  rescind hold revoke ${id}\n`), stdout)
    assert.equal(stdout.match(/rescind release/g)?.length, 1)
  }
})

test('a key or an unknown token that is pasted as a token leads to a search, not to a name', async () => {
  const key = textAt(await responder.calls.control('POST /keys', { name: 'pasted', role: 'viewer' }), 'key')
  for (const words of [['lookup'], ['revoke', '-', '--dry-run'], ['hold', '-', '--dry-run']]) {
    const other = await responder.run(words, { input: key })
    assert.equal(other.code, 1)
    assert.match(other.stderr, /has the form of a control key: .*paste it into: rescind find -$/m)
    assert.ok(!other.stderr.includes(key))
    const unknown = await responder.run(words, { input: 'abcdefgh-nobody-knows-this' })
    assert.match(unknown.stderr, /another realm \(--realm\) or another server, .*: rescind find - --all$/m)
    assert.doesNotMatch(unknown.stderr, /check the name/)
  }
})

test('a lookup says what is no token, and refuses one on the command line', async () => {
  assert.equal((await responder.run(['lookup'], { input: 'nonsense' })).code, 1)
  assert.match((await responder.run(['lookup'], { input: ' \n' })).stderr, /The token is empty/)
  assert.match((await responder.run(['lookup', 'ann'])).stderr, /no handle[^\n]*rescind find ann/)
  const { code, stderr } = await responder.run(['lookup', CONTROL_KEY.padEnd(40, 'aB3')])
  assert.equal(code, 2)
  assert.match(stderr, /counts as shown/)
})
