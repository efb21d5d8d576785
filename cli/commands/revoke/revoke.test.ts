import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { jsonOf } from '../../../test/kit/calls.ts'
import { runCli } from '../../../test/kit/cli/command-line.ts'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { SVC } from '../../../test/kit/seed.ts'

let responder: Responder
before(async () => {
  responder = await Responder.open()
})
after(() => responder.close())

type Json = Readonly<Record<string, unknown>>

async function receipts(reason: string): Promise<readonly Json[]> {
  const answer = await responder.calls.control(`GET /revocations?reason=${encodeURIComponent(reason)}`)
  return (jsonOf(answer) as { readonly revocations: readonly Json[] }).revocations
}

test('a token that is pasted into the hidden prompt ends after a yes, and stands on no screen and in no file', async () => {
  const { access } = await responder.calls.oauthGrant('hidden')
  const terminal = responder.sit(['revoke', '-'])
  await terminal.shows(/The token \(hidden\)/)
  terminal.type(`${access}\r`)
  await terminal.shows(/This ends token tok_[\w-]+ in oauth[\s\S]*1 live token[\s\S]*Why\?/)
  terminal.type('found in a log\r')
  await terminal.shows(/Revoke token tok_[\w-]+ in oauth \(1 live token\)\?/)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.match(terminal.screen, /Revoked token tok_[\s\S]*receipt +rev_1_\d+[\s\S]*reason +found in a log/)
  assert.ok(!terminal.bytes.includes(access))
  assert.equal(await responder.calls.isActive(SVC, access), false)
  assert.equal((await receipts('found in a log')).length, 1)
  const files = readdirSync(responder.home.folder, { recursive: true, withFileTypes: true })
  for (const file of files.filter((one) => one.isFile()))
    assert.ok(!readFileSync(join(file.parentPath, file.name), 'utf8').includes(access), file.name)
})

test('a receipt comes with the commands for who refuses it and for a signed proof, beside the result', async () => {
  const words = ['revoke', '--source', 'oauth', '--subject', 'told', '--reason', 'told', '--yes']
  const told = await responder.run(words)
  const id = /rev_1_\d+/.exec(told.stdout)?.[0] ?? ''
  assert.match(
    told.stderr,
    new RegExp(`rescind receipts show ${id}\n.*rescind evidence ${id} --out ${id}\\.ndjson\n`),
  )
  assert.doesNotMatch((await responder.run([...words, '--quiet'])).stderr, /rescind evidence/)
  assert.equal((await responder.run(['evidence', id, '--out', `${id}.ndjson`])).code, 0)
})

test('a no changes nothing, and Ctrl-C in the prompt ends with 130', async () => {
  const { access } = await responder.calls.oauthGrant('kept')
  for (const [keys, code] of [
    ['n', 1],
    ['\x03', 130],
  ] as const) {
    const terminal = responder.sit(['revoke', '--source', 'oauth', '--subject', 'kept', '--reason', 'no'])
    await terminal.shows(/Revoke everything of subject kept in oauth \(2 live tokens\)\?/)
    terminal.type(keys)
    assert.equal(await terminal.ended, code, terminal.screen)
  }
  assert.equal(await responder.calls.isActive(SVC, access), true)
  assert.deepEqual(await receipts('no'), [])
})

test('a token from standard input ends by --yes, exactly as previewed, and --json is the receipt', async () => {
  const { access } = await responder.calls.oauthGrant('piped')
  const words = ['revoke', '-', '--reason', 'piped', '--note', 'ticket 7', '--yes', '--json']
  const { code, stdout, stderr } = await responder.run(words, { input: `Authorization: Bearer ${access}\n` })
  assert.deepEqual([code, stderr], [0, ''])
  const { id, reason, note, covers } = JSON.parse(stdout) as Json
  assert.deepEqual([reason, note, (covers as Json)['kind']], ['piped', 'ticket 7', 'token'])
  assert.match(String(id), /^rev_1_\d+$/)
  assert.ok(!stdout.includes(access))
  assert.equal(await responder.calls.isActive(SVC, access), false)
})

test('a dry run prints the preview, as text or JSON, and writes nothing', async () => {
  const { access } = await responder.calls.oauthGrant('looked-at')
  const words = ['revoke', '--source', 'oauth', '--subject', 'looked-at', '--dry-run']
  const text = await responder.run(words)
  assert.deepEqual([text.code, text.stderr], [0, ''])
  assert.match(
    text.stdout,
    /^This would end everything of subject looked-at in oauth\ntokens +2 live tokens\n/,
  )
  assert.match(text.stdout, /Nothing was changed \(--dry-run\)\.\n$/)
  const { dryRun, tokens } = JSON.parse((await responder.run([...words, '--json'])).stdout) as Json
  assert.deepEqual([dryRun, tokens], [true, 2])
  assert.equal(await responder.calls.isActive(SVC, access), true)
})

test('without a terminal and --yes nothing is changed, and the preview is shown all the same', async () => {
  await responder.calls.oauthGrant('unasked')
  const words = ['revoke', '--source', 'oauth', '--subject', 'unasked']
  const asked = await responder.run([...words, '--reason', 'x'])
  assert.equal(asked.code, 2)
  assert.match(asked.stderr, /^This ends everything[\s\S]*\nrescind: nothing was changed[^\n]*--yes[^\n]*\n$/)
  const unreasoned = await responder.run([...words, '--yes'])
  assert.equal(unreasoned.code, 2)
  assert.match(unreasoned.stderr, /the reason cannot be asked for[^\n]*--reason/)
})

test('wrong use is told without a server, and a token on the command line is not repeated', async () => {
  const token = 'rsa_0123456789abcdefABCDEF0123456789'
  const nowhere = { RESCIND_URL: 'http://127.0.0.1:1', RESCIND_KEY: 'k' }
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [['revoke', '--subject', 'ann'], /of several sources/],
    [['revoke', '--token', token], /counts as shown/],
    [['revoke', token], /counts as shown/],
    [['revoke', '-', token], /of the form of a token \(not shown\)/],
    [[token], /of the form of a token \(not shown\)/],
    [['revoke', '--whole-realm', '--for', '1h'], /--for is of a hold: give --hold/],
    [['revoke', '--whole-realm', '--hold', '--wait'], /--wait is of a revocation/],
    [['revoke', '--whole-realm', '--wait=900'], /--wait: a number of seconds: at most 600/],
    [['revoke', '--whole-realm', '--hold', '--for', '1h', '--until', '2026-12-01 08:00'], /two deadlines/],
    [['revoke', '--whole-realm', '--key', 'x'], /--key is no flag/],
  ]
  const ended = await Promise.all(
    wrong.map(async ([words, says]) => [says, await runCli({ words, environment: nowhere })] as const),
  )
  for (const [says, { code, stdout, stderr }] of ended) {
    assert.deepEqual([code, stdout], [2, ''], stderr)
    assert.match(stderr, says)
    assert.ok(!stderr.includes(token))
  }
})

test('names that could control a terminal are shown harmlessly, in questions too', async () => {
  const words = ['revoke', '--source', 'oauth', '--subject', 'a\u001b[31mb']
  const { stdout } = await responder.run([...words, '--dry-run'])
  assert.match(stdout, /subject a\\u\{1b\}\[31mb in oauth/)
  const terminal = responder.sit([...words, '--reason', 'r'])
  await terminal.shows(/Revoke everything of subject a\\u\{1b\}\[31mb in oauth/)
  assert.ok(!terminal.bytes.includes('a\u001b[31mb'))
  terminal.type('n')
  assert.equal(await terminal.ended, 1)
})

test('--hold suspends until a deadline, and says how it is lifted, extended and made a revocation', async () => {
  const { access } = await responder.calls.oauthGrant('suspect')
  const words = ['revoke', '--source', 'oauth', '--subject', 'suspect', '--hold', '--reason', 'odd', '--yes']
  const { code, stdout } = await responder.run([...words, '--for', '30m', '--at-deadline', 'revoke'])
  assert.equal(code, 0)
  assert.match(stdout, /^Held everything of subject suspect in oauth: refused everywhere/)
  assert.match(stdout, /until .*, then revoke\n[\s\S]*rescind hold revoke hold_[\s\S]*rescind release hold_/)
  assert.equal(await responder.calls.isActive(SVC, access), false)
})
