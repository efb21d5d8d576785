import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { MODULES, resolveSettings } from '@rescind/server'
import { readSeed } from '../../server/seed/read.ts'
import { API_KEY, CONTROL, JSON_BODY, OAUTH } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { ANN, BOB, ROOT, SEED, SVC } from '../kit/seed.ts'
import { makeHome } from '../kit/server.ts'

// A byte order mark before any JSON text that a caller sends whole is ignored (RFC 8259 §8.1). The parts of a JWS are
// not such texts, and a mark in them is refused.

const BOM = '\ufeff'
const { calls } = await openForFile({ time: 'hand' })

type Case = {
  readonly line: string
  readonly headers: readonly string[]
  readonly body: unknown
  readonly status: number
}

async function cases(): Promise<readonly Case[]> {
  const root = `X-Auth-Token: ${await calls.identityToken(ROOT)}`
  const { username, password } = BOB
  const user = { id: ANN.id, password: ANN.password }
  const identity = { methods: ['password'], password: { user } }
  return [
    {
      line: 'POST /v2.0/tokens',
      headers: [],
      body: { auth: { passwordCredentials: { username, password } } },
      status: 200,
    },
    { line: 'POST /v2.0/tenants', headers: [root], body: { tenant: { name: 'marked' } }, status: 200 },
    { line: 'POST /v3/auth/tokens', headers: [], body: { auth: { identity } }, status: 201 },
    { line: 'POST /v3/projects', headers: [root], body: { project: { name: 'marked-3' } }, status: 201 },
    { line: 'POST /admin/clients', headers: [API_KEY], body: { _id: 'marked' }, status: 200 },
    { line: 'DELETE /admin/clients/marked/token', headers: [API_KEY], body: {}, status: 200 },
    {
      line: 'POST /control/v1/grants',
      headers: [CONTROL],
      body: { clientId: SVC.clientId, subject: 'ann' },
      status: 201,
    },
  ]
}

test('[W28] JSON with a byte order mark is read as the same JSON without one, in every dialect', async () => {
  for (const { line, headers, body, status } of await cases()) {
    const answer = await calls.send(line, [JSON_BODY, ...headers], BOM + JSON.stringify(body))
    assert.equal(answer.status, status, `${line}: ${answer.body.toString()}`)
  }
})

test('[W28] two marks, a mark alone, one inside, and the mark of UTF-16 are refused', async () => {
  for (const { line, headers, body } of await cases()) {
    const text = JSON.stringify(body)
    const broken = [
      BOM + BOM + text,
      BOM,
      ` ${BOM}${text}`,
      text + BOM,
      Buffer.from(BOM + text, 'utf16le'),
      Buffer.concat([Buffer.of(0xfe, 0xff), Buffer.from(text)]),
    ]
    for (const given of broken) {
      const answer = await calls.send(line, [JSON_BODY, ...headers], given)
      assert.equal(answer.status, 400, `${line}: ${JSON.stringify(given)}`)
    }
  }
})

test('[W28] a mark alone is not an empty body: it never means "all"', async () => {
  const token = await calls.chatToken('marked-all')
  const line = 'DELETE /admin/clients/marked-all/token'
  assert.equal((await calls.send(line, [API_KEY, JSON_BODY], BOM)).status, 400)
  assert.equal((await calls.chatMe(token)).status, 200)
  assert.equal((await calls.send(line, [API_KEY, JSON_BODY], `${BOM}{}`)).status, 200)
  assert.notEqual((await calls.chatMe(token)).status, 200)
})

test('[W28] a mark inside the parts of a JWS stays refused', async () => {
  const part = (text: string): string => Buffer.from(text, 'utf8').toString('base64url')
  const assertion = [part(`${BOM}{"alg":"RS256"}`), part('{"iss":"svc","sub":"svc"}'), 'AAAA'].join('.')
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  })
  const form = 'Content-Type: application/x-www-form-urlencoded'
  assert.equal((await calls.send(`POST ${OAUTH}`, [form], body.toString())).status, 401)
})

test('[W28] a seed file and a configuration file are read with a mark, as editors write it', () => {
  const home = makeHome()
  const path = join(home.folder, 'seed.json')
  writeFileSync(path, BOM + JSON.stringify(SEED), { mode: 0o600 })
  const parts = MODULES.flatMap(({ seed }) => seed ?? [])
  assert.equal(readSeed(path, parts).realms.length, SEED.realms.length)
  home.remove()
  const values = resolveSettings({ flags: [], environment: {}, file: `${BOM}{"identityRate": 7}` })
  assert.equal(values.get('identityRate')?.value, '7')
})
