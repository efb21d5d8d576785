import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { runCli } from '../../../test/kit/cli/command-line.ts'
import { Responder } from '../../../test/kit/cli/responder.ts'
import { SVC } from '../../../test/kit/seed.ts'

let responder: Responder
let stub: Server

before(async () => {
  responder = await Responder.open()
  stub = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => (text += part))
    request.on('end', () => {
      const { dryRun } = JSON.parse(text) as { readonly dryRun?: boolean }
      const [status, body] = dryRun === true ? [200, PREVIEW] : [409, CHANGED]
      const type = status === 200 ? 'application/json' : 'application/problem+json'
      response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => {
    stub.listen(0, '127.0.0.1', resolve)
  })
})
after(async () => {
  stub.close()
  await responder.close()
})

const PREVIEW = {
  dryRun: true,
  covers: { kind: 'principals', shape: 'client', source: 'oauth', client: 'svc' },
  ...{ complete: true, tokens: 3, grants: 2, subjects: 2, clients: 1, tenants: 0 },
  ...{
    largest: {},
    usedLast15Minutes: 0,
    summary: '3 live tokens of 2 grants',
    digest: 'd.e',
    credentials: 0,
  },
}
const CHANGED = { status: 409, detail: 'ifPreview: the targets cover something else than in this preview' }

test('what has come to cover somebody else since it was shown is shown and asked about anew', async () => {
  const { access } = await responder.calls.oauthGrant('first')
  const terminal = responder.sit(['revoke', '--source', 'oauth', '--client', 'svc', '--reason', 'r'])
  await terminal.shows(/subjects +1 \(first\)[\s\S]*\(2 live tokens\)\?/)
  await responder.calls.oauthGrant('second')
  terminal.type('y')
  await terminal.shows(/something else\. Now:[\s\S]*subjects +2[\s\S]*\(4 live tokens\)\?/)
  assert.equal(await responder.calls.isActive(SVC, access), true)
  terminal.type('y')
  assert.equal(await terminal.ended, 0, terminal.screen)
  assert.equal(await responder.calls.isActive(SVC, access), false)
})

test('under --yes it ends with 1, and says what it covers now', async () => {
  const environment = {
    RESCIND_URL: `http://127.0.0.1:${(stub.address() as AddressInfo).port}`,
    RESCIND_KEY: 'k',
  }
  const words = ['revoke', '--source', 'oauth', '--client', 'svc', '--reason', 'r', '--yes']
  const text = await runCli({ words, environment })
  assert.equal(text.code, 1)
  assert.match(
    text.stderr,
    /rescind: nothing was revoked[^\n]*now 3 live tokens of 2 grants: [^\n]*--dry-run/,
  )
  const json = await runCli({ words: [...words, '--json'], environment })
  const { error } = JSON.parse(json.stderr) as { readonly error: { readonly detail: unknown } }
  assert.deepEqual([json.code, error.detail], [1, PREVIEW])
})
