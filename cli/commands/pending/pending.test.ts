import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { succeeded, textAt } from '../../../test/kit/calls.ts'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { SVC } from '../../../test/kit/seed.ts'

type Json = Readonly<Record<string, unknown>>

let responder: Responder
let second = ''
before(async () => {
  responder = await Responder.open()
  const made = await responder.calls.control('POST /keys', { name: 'bea', role: 'responder', owner: 'bea' })
  second = textAt(succeeded(made, 'a key'), 'key')
  succeeded(await responder.calls.control('PATCH /settings', { approvalAboveTokens: 1 }), 'the limit')
})
after(() => responder.close())

async function asked(subject: string): Promise<{ readonly id: string; readonly access: string }> {
  const { access } = await responder.calls.oauthGrant(subject)
  const words = ['revoke', '--source', 'oauth', '--subject', subject, '--reason', 'big', '--yes']
  const { code, stdout, stderr } = await responder.run(words)
  assert.equal(code, 4, stderr)
  assert.match(stdout, /^Nothing has ended yet[\s\S]*rescind approvals approve apr_/)
  assert.equal(await responder.calls.isActive(SVC, access), true)
  return { id: /approve (apr_[\w-]+)/.exec(stdout)?.[1] ?? '', access }
}

test('more than one person may end waits with exit code 4, until a person with another key approves it', async () => {
  const { id, access } = await asked('approved')
  const list = await responder.run(['approvals'])
  assert.match(
    list.stdout,
    new RegExp(`${id} +revoke everything of subject approved in oauth: 2 live tokens +big`),
  )
  assert.match(list.stdout, new RegExp(`${id} .* first +20\\d\\d-`))
  const request = JSON.parse((await responder.run(['approvals', 'show', id, '--json'])).stdout) as Json
  assert.deepEqual([request['id'], request['state']], [id, 'waiting'])
  const own = await responder.run(['approvals', 'approve', id, '--yes'])
  assert.equal(own.code, 1)
  assert.match(own.stderr, /approved with another key/)
  const dry = await responder.run(['approvals', 'approve', id, '--dry-run'], { key: second })
  assert.match(dry.stdout, /Nothing was changed/)
  assert.equal((await responder.run(['approvals', 'approve', id], { key: second })).code, 2)
  const approved = await responder.run(['approvals', 'approve', id, '--yes', '--wait'], { key: second })
  assert.equal(approved.code, 0, approved.stderr)
  assert.match(approved.stdout, /^Revoked everything of subject approved in oauth\nreceipt +rev_1_\d+/)
  assert.equal(await responder.calls.isActive(SVC, access), false)
})

test('a request can be denied, and is then listed among those that have ended', async () => {
  const { id, access } = await asked('denied')
  const terminal = responder.sit(['approvals', 'deny', id])
  await terminal.shows(/Do not revoke everything of subject denied in oauth: 2 live tokens\?/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(terminal.screen, /Denied: nothing has ended/)
  const ended = JSON.parse((await responder.run(['approvals', '--ended', '--json'])).stdout) as {
    readonly approvals: readonly Json[]
  }
  assert.ok(ended.approvals.some((one) => one['id'] === id && one['state'] === 'denied'))
  assert.equal(await responder.calls.isActive(SVC, access), true)
})
