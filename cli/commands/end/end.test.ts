import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { memberAt } from '../../../test/kit/calls.ts'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { ANN, BOB, SVC } from '../../../test/kit/seed.ts'

type Json = Readonly<Record<string, unknown>>

let responder: Responder
before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())

test('a user ends with credentials, and with the password where that is asked for', async () => {
  const dry = await responder.run(['end', 'user', ANN.id, '--password', '--dry-run', '--json'])
  assert.equal(dry.code, 0, dry.stderr)
  const { credentials, alsoEnds } = JSON.parse(dry.stdout) as Json
  assert.deepEqual([credentials, alsoEnds], [1, ['password']])
  const terminal = responder.sit(['end', 'user', ANN.id, '--password', '--reason', 'stolen laptop'])
  await terminal.shows(/also ends +password[\s\S]*Revoke everything of subject 77 in identity/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  const user = await responder.calls.control(`GET /identity-users/${ANN.id}`)
  assert.deepEqual([memberAt(user, 'hasPassword'), memberAt(user, 'hasApiKey')], [false, false])
})

test('second factors end only with the password, and an unknown user is refused', async () => {
  const { code, stderr } = await responder.run(['end', 'user', ANN.id, '--second-factors', '--yes'])
  assert.equal(code, 2)
  assert.match(stderr, /--second-factors alone[^\n]*give --password as well/)
  assert.equal((await responder.run(['end', 'user', 'nobody', '--reason', 'r', '--yes'])).code, 1)
})

test('a chat client ends with all its tokens', async () => {
  await responder.calls.chatClient('ann')
  const token = await responder.calls.chatToken('ann')
  const words = ['end', 'chat-client', 'acme', 'ann', '--reason', 'stolen phone', '--yes', '--json']
  const { code, stdout, stderr } = await responder.run(words)
  assert.equal(code, 0, stderr)
  assert.equal(((JSON.parse(stdout) as Json)['covers'] as Json)['client'], 'ann')
  const lookup = await responder.run(['lookup', '--json'], { input: token })
  assert.equal((JSON.parse(lookup.stdout) as Json)['state'], 'revoked')
})

test('what is disabled is shut out with its tokens, after a yes, and enabled again', async () => {
  const token = await responder.calls.oauthToken(SVC)
  const dry = await responder.run(['disable', 'client', 'svc', '--dry-run'])
  assert.match(dry.stdout, /^the client svc would be shut out, which ends everything of client svc in oauth/)
  assert.equal((await responder.run(['disable', 'client', 'svc'])).code, 2)
  assert.equal(await responder.calls.isActive(SVC, token), true)
  const terminal = responder.sit(['disable', 'client', 'svc', '--reason', 'leaked secret'])
  await terminal.shows(/Disable the client svc \(1 live token\)\?/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(terminal.screen, /is shut out, and all its tokens ended \(before: 1 live token\)/)
  const client = (): Promise<unknown> =>
    responder.calls.control('GET /clients/svc').then((answer) => memberAt(answer, 'enabled'))
  assert.equal(await client(), false)
  assert.match(
    (await responder.run(['enable', 'client', 'svc', '--dry-run'])).stdout,
    /would be let in again/,
  )
  assert.equal(await client(), false)
  assert.equal((await responder.run(['enable', 'client', 'svc'])).code, 0)
  assert.deepEqual([await client(), await responder.calls.isActive(SVC, token)], [true, false])
})

test('users and chat apps are disabled and enabled by the same words, an issuer by its URL', async () => {
  for (const words of [
    ['user', BOB.id],
    ['chat-app', 'rival'],
  ]) {
    const disabled = await responder.run(['disable', ...words, '--yes', '--json'])
    assert.equal(disabled.code, 0, disabled.stderr)
    assert.equal((JSON.parse(disabled.stdout) as Json)['enabled'], false)
    const enabled = await responder.run(['enable', ...words, '--json'])
    assert.equal((JSON.parse(enabled.stdout) as Json)['enabled'], true)
  }
  const unknown = await responder.run(['disable', 'issuer', 'https://nobody.example', '--yes'])
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /no issuer https:\/\/nobody\.example is registered: see: rescind get issuers/)
  const misnamed = await responder.run(['disable', 'usr', '1'])
  assert.deepEqual([misnamed.code, /did you mean user\?/.test(misnamed.stderr)], [2, true])
})
