import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLIENT_KEY, CONTROL, memberAt, succeeded, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { CHAT } from '../kit/seed.ts'

// [B01] A secret ends: do tokens issued with it end too?

const { calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

async function done(line: string, body?: unknown): Promise<RawAnswer> {
  return succeeded(await calls.control(line, body), line)
}

async function say(token: string): Promise<string> {
  return textAt(await done('POST /verify', { token }), 'verdict', 'kind')
}

test('ending or rotating a client secret leaves tokens by default, and ends them on request [B01]', async () => {
  const client = { clientId: 'c', grantTypes: ['client_credentials'], scopes: [] }
  let clientSecret = textAt(await done('POST /clients', client), 'clientSecret')
  const token = (): Promise<string> => calls.oauthToken({ clientId: 'c', clientSecret })
  const rotate = async (body: object): Promise<void> => {
    clientSecret = textAt(await done('POST /clients/c/secrets', body), 'clientSecret')
  }
  const oldest = async (): Promise<string> => {
    const [first] = memberAt(await done('GET /clients/c'), 'secrets') as readonly { id: string }[]
    return `DELETE /clients/c/secrets/${first?.id}`
  }
  const first = await token()
  await rotate({})
  assert.equal(await say(first), 'active')
  await done(await oldest())
  await rotate({})
  await done(`${await oldest()}?revokeTokens=false`)
  assert.equal(await say(first), 'active', 'the default')
  await rotate({})
  const later = await token()
  await done(`${await oldest()}?revokeTokens=true&reason=leaked`)
  assert.deepEqual([await say(first), await say(later)], ['inactive', 'inactive'])
  const fresh = await token()
  assert.equal(await say(fresh), 'active', 'what comes later lives')
  await rotate({ revokeTokens: true })
  assert.equal(await say(fresh), 'inactive')
  const wrong = await calls.send(`${(await oldest()).replace(' ', ' /control/v1')}?revokeTokens=yes`, [
    CONTROL,
  ])
  assert.equal(wrong.status, 422)
})

test('new keys of a chat app leave its tokens by default, and end them on request [B01]', async () => {
  await calls.chatClient('b01')
  const token = await calls.chatToken('b01')
  await done(`PATCH /chat-apps/${CHAT.app}`, { apiKey: 'another-api-key-0123456789' })
  assert.equal((await calls.send('GET /me', [CLIENT_KEY, `IM-Authorization: ${token}`])).status, 200)
  await done(`PATCH /chat-apps/${CHAT.app}`, { apiKey: CHAT.apiKey, revokeTokens: true, reason: 'leaked' })
  assert.equal((await calls.send('GET /me', [CLIENT_KEY, `IM-Authorization: ${token}`])).status, 401)
  const [row] = memberAt(await done('GET /audit?kind=revoke&limit=1'), 'rows') as readonly {
    audit: { why: string }
  }[]
  assert.equal(row?.audit.why, 'leaked')
  const fresh = await calls.chatToken('b01')
  assert.equal((await calls.send('GET /me', [CLIENT_KEY, `IM-Authorization: ${fresh}`])).status, 200)
})
