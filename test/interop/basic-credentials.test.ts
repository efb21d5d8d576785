import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Calls, type ClientSecret, FORM_BODY, OAUTH } from '../kit/calls.ts'
import type { TestServer } from '../kit/in-process.ts'
import { GATEWAY, SVC } from '../kit/seed.ts'
import { AWKWARD, openInteropServer } from './awkward.ts'

/** Credentials with any characters, in every form in which clients send them. */

let server: TestServer
let calls: Calls
before(async () => {
  server = await openInteropServer()
  calls = new Calls(server.port)
})
after(async () => {
  calls.close()
  await server.close()
})

const base64 = (text: string, encoding: 'utf8' | 'latin1'): string =>
  `Authorization: Basic ${Buffer.from(text, encoding).toString('base64')}`

/** `encodeURIComponent` with `+` for a space: the encoding of RFC 6749, Appendix B. */
const formText = (text: string): string => new URLSearchParams([['x', text]]).toString().slice(2)

async function statusBy(authorization: string): Promise<number> {
  const headers = [authorization, FORM_BODY]
  return (await calls.send(`POST ${OAUTH}`, headers, 'grant_type=client_credentials')).status
}

const ALL: readonly ClientSecret[] = [SVC, GATEWAY, ...AWKWARD]

test('Basic, raw in UTF-8 (arctic, badgateway)', async () => {
  for (const { clientId, clientSecret } of ALL)
    assert.equal(await statusBy(base64(`${clientId}:${clientSecret}`, 'utf8')), 200, clientSecret)
})

test('Basic, raw in Latin-1 (authlib)', async () => {
  for (const { clientId, clientSecret } of ALL)
    assert.equal(await statusBy(base64(`${clientId}:${clientSecret}`, 'latin1')), 200, clientSecret)
})

test('Basic, form-encoded with + and with %20 (RFC 6749 §2.3.1; oauth4webapi, simple-oauth2)', async () => {
  for (const { clientId, clientSecret } of ALL) {
    const plus = `${formText(clientId)}:${formText(clientSecret)}`
    assert.equal(await statusBy(base64(plus, 'utf8')), 200, clientSecret)
    const percent = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
    assert.equal(await statusBy(base64(percent, 'utf8')), 200, clientSecret)
  }
})

test('in the body', async () => {
  for (const { clientId, clientSecret } of ALL) {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: clientSecret,
    })
    assert.equal((await calls.send(`POST ${OAUTH}`, [FORM_BODY], form.toString())).status, 200, clientSecret)
  }
})

test('no other reading of a secret is taken for it', async () => {
  for (const { clientId, clientSecret } of ALL) {
    for (const wrong of [
      clientSecret.trim().slice(1),
      `${clientSecret}%20`,
      formText(formText(`${clientSecret}%`)),
    ])
      assert.equal(await statusBy(base64(`${clientId}:${wrong}`, 'utf8')), 401, wrong)
  }
})
