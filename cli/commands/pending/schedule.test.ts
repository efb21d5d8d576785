import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Responder } from '../../../test/kit/cli/responder.ts'

type Json = Readonly<Record<string, unknown>>

let responder: Responder
before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())

test('a revocation is scheduled after it is shown, listed, shown and cancelled', async () => {
  await responder.calls.oauthGrant('leaving')
  const target = ['--source', 'oauth', '--subject', 'leaving', '--reason', 'end of contract']
  const at = ['--at', '2027-06-30 18:00']
  const dry = await responder.run(['schedule', ...at, ...target, '--dry-run'])
  assert.match(
    dry.stdout,
    /^At 2027-06-30 18:00:00 UTC .* this would end, as of now, everything of subject leaving/,
  )
  const terminal = responder.sit(['schedule', ...at, ...target])
  await terminal.shows(/Revoke everything of subject leaving in oauth at 2027-06-30 18:00:00 UTC/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  const { stdout } = await responder.run(['schedule', 'list', '--json'])
  const [first] = (JSON.parse(stdout) as { readonly schedules: readonly Json[] }).schedules
  const id = String(first?.['id'])
  assert.match(
    (await responder.run(['schedule', 'list'])).stdout,
    new RegExp(`${id} +everything of subject leaving`),
  )
  assert.match((await responder.run(['schedule', 'show', id])).stdout, /state +waiting/)
  assert.equal((await responder.run(['schedule', 'cancel', id])).code, 2)
  const cancelled = await responder.run(['schedule', 'cancel', id, '--yes'])
  assert.match(cancelled.stdout, /^Cancelled: nothing will end\n[\s\S]*state +cancelled/)
  assert.match((await responder.run(['schedule', 'list', '--ended'])).stdout, new RegExp(`${id} .*cancelled`))
})

test('a schedule needs a time, in the future', async () => {
  const target = ['--source', 'oauth', '--subject', 'leaving', '--reason', 'r', '--yes']
  assert.match((await responder.run(['schedule', ...target])).stderr, /--at is missing: [^\n]*rescind revoke/)
  assert.match(
    (await responder.run(['schedule', '--at', 'soon', ...target])).stderr,
    /--at: this is no instant/,
  )
  const past = await responder.run(['schedule', '--at', '2020-01-01T00:00:00Z', ...target])
  assert.deepEqual([past.code, /must be in the future/.test(past.stderr)], [1, true])
})

test('what needs a second person is not scheduled, and the refusal says how it is asked for', async () => {
  await responder.calls.control('PATCH /settings', { approvalAboveTokens: 0 })
  const words = ['schedule', '--at', '2027-06-30 18:00', '--source', 'oauth', '--reason', 'r', '--yes']
  const { code, stderr } = await responder.run(words)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /more tokens than one person may end here: ask for it by `rescind revoke`[^\n]*within an hour/,
  )
})
