import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { SVC } from '../../../test/kit/seed.ts'

type Json = Readonly<Record<string, unknown>>

let responder: Responder
before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())

async function place(subject: string): Promise<{ readonly id: string; readonly access: string }> {
  const { access } = await responder.calls.oauthGrant(subject)
  const words = ['hold', '--source', 'oauth', '--subject', subject, '--reason', 'odd', '--yes', '--json']
  const { code, stdout, stderr } = await responder.run(words)
  assert.equal(code, 0, stderr)
  const { id, atDeadline } = JSON.parse(stdout) as Json
  assert.equal(atDeadline, 'release')
  assert.equal(await responder.calls.isActive(SVC, access), false)
  return { id: String(id), access }
}

test('a hold is shown before it is placed, and a dry run places none', async () => {
  const { access } = await responder.calls.oauthGrant('shown')
  const words = ['hold', '--source', 'oauth', '--subject', 'shown']
  const dry = await responder.run([...words, '--dry-run'])
  assert.deepEqual([dry.code, dry.stderr], [0, ''])
  assert.match(dry.stdout, /^This would hold everything of subject shown in oauth\ntokens +2 live tokens/)
  assert.equal(await responder.calls.isActive(SVC, access), true)
  const terminal = responder.sit([...words, '--reason', 'odd'])
  await terminal.shows(/Hold everything of subject shown in oauth \(2 live tokens\)\?/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.equal(await responder.calls.isActive(SVC, access), false)
})

test('holds are listed, shown, extended and released', async () => {
  const { id, access } = await place('released')
  const list = await responder.run(['hold', 'list'])
  assert.match(
    list.stdout,
    new RegExp(`^hold +holds .*\n[\\s\\S]*${id} +everything of subject released in oauth`),
  )
  assert.match(list.stdout, new RegExp(`${id} .* first +odd$`, 'm'))
  const placed = JSON.parse((await responder.run(['hold', 'show', id, '--json'])).stdout) as Json
  assert.deepEqual([placed['id'], placed['state']], [id, 'held'])
  const dry = await responder.run(['hold', 'extend', id, '--for', '7d', '--dry-run', '--json'])
  assert.deepEqual([dry.code, (JSON.parse(dry.stdout) as Json)['until']], [0, placed['until']])
  const extended = await responder.run(['hold', 'extend', id, '--for', '7d', '--json'])
  assert.ok(String((JSON.parse(extended.stdout) as Json)['until']) > String(placed['until']))
  assert.equal((await responder.run(['hold', 'extend', id])).code, 2)
  assert.equal((await responder.run(['release', id])).code, 2)
  const released = await responder.run(['release', id, '--yes', '--reason', 'a test'])
  assert.match(released.stdout, /^Lifted: everything of subject released in oauth is accepted again/)
  assert.equal(await responder.calls.isActive(SVC, access), true)
  const ended = JSON.parse((await responder.run(['hold', 'list', '--ended', '--json'])).stdout) as {
    readonly holds: readonly Json[]
  }
  assert.ok(ended.holds.some((one) => one['id'] === id && one['state'] === 'released'))
})

test('a hold becomes a revocation, whose receipt is shown; before that it asks', async () => {
  const { id, access } = await place('revoked')
  const terminal = responder.sit(['hold', 'revoke', id, '--reason', 'a thief'])
  await terminal.shows(/End everything of subject revoked in oauth for good\?/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(terminal.screen, /Revoked everything of subject revoked in oauth\s+receipt +rev_1_\d+/)
  assert.equal(await responder.calls.isActive(SVC, access), false)
  const { code, stderr } = await responder.run(['release', id, '--yes'])
  assert.equal(code, 1)
  assert.match(stderr, /this hold was revoked before/)
})

test('a hold that only verifiers know is lifted with --not-here and a reason', async () => {
  const id = 'hold_Zy3nPp0qV9mXc2a1b0LkQg'
  assert.equal((await responder.run(['release', id, '--yes'])).code, 1)
  assert.match(
    (await responder.run(['release', id, '--not-here', '--yes'])).stderr,
    /--not-here needs --reason/,
  )
  const words = ['release', id, '--not-here', '--yes', '--reason', 'lost by a restore']
  const { code, stdout } = await responder.run(words)
  assert.equal(code, 0)
  assert.match(stdout, /^Lifted at every verifier that is connected now/)
})
