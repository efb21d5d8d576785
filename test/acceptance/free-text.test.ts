import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, CONTROL, JSON_BODY, memberAt, textAt } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import type { RawAnswer } from '../kit/raw-http.ts'
import { SVC } from '../kit/seed.ts'

// [W85] A live credential pasted into text that is stored for years and shown to many.

const { server, calls } = await openForFile({ time: 'hand', flags: ['--control-rate', '0'] })

async function page(path: string): Promise<string> {
  const headers = { authorization: CONTROL.slice('Authorization: '.length) }
  const answer = await fetch(`${server.url}/control/v1${path}`, { headers })
  assert.equal(answer.status, 200, path)
  return answer.text()
}

const TARGET = { source: 'oauth', subject: 'nobody' }
const LATER = '2026-03-02T00:00:00Z'

/** Every call of the control API that stores text as given. */
const PLACES: Readonly<Record<string, (text: string) => Promise<RawAnswer>>> = {
  'a revocation': (text) => calls.control('POST /revocations', { target: TARGET, reason: text, note: text }),
  'a hold': (text) =>
    calls.control('POST /holds', {
      target: TARGET,
      reason: text,
      note: text,
      seconds: 60,
      atDeadline: 'release',
    }),
  'the end of a hold': async (text) => {
    const hold = { target: TARGET, reason: 'r', seconds: 60, atDeadline: 'release' }
    return calls.control(`POST /holds/${textAt(await calls.control('POST /holds', hold), 'id')}/release`, {
      reason: text,
    })
  },
  'a schedule': (text) =>
    calls.control('POST /revocations/scheduled', { target: TARGET, reason: text, note: text, at: LATER }),
  'a request for approval': (text) =>
    calls.control('POST /approvals', { target: TARGET, reason: text, note: text }),
  'what denies it': async (text) => {
    const id = textAt(await calls.control('POST /approvals', { target: TARGET, reason: 'r' }), 'id')
    return calls.control(`POST /approvals/${id}/deny`, { reason: text })
  },
  'a leak list': (text) =>
    calls.send(
      `POST /control/v1/revocations/bulk?dryRun=false&reason=${encodeURIComponent(text)}&note=${encodeURIComponent(text)}`,
      [CONTROL, 'Content-Type: text/plain'],
      'nothing\n',
    ),
  'a client that is disabled': (text) => calls.control('POST /clients/other/disable', { reason: text }),
  'a realm that is disabled': async (text) => {
    await calls.control('POST /realms', { name: 'branch' })
    return calls.control('PATCH /realms/branch', { enabled: false, reason: text })
  },
}

/** Live credentials of each kind, as they may be pasted. */
async function canaries(): Promise<readonly string[]> {
  await calls.chatClient('u1')
  const grant = await calls.oauthGrant('ann')
  const bound = await calls.chatBound('u1', 'bound-text-of-a-customer')
  return [
    await calls.oauthToken(SVC),
    grant.refresh,
    `Bearer ${grant.access}`,
    await calls.chatToken('u1'),
    bound,
    `found "${await calls.oauthToken(SVC)}", twice: ${grant.access}`,
    `https://x.example/?token=${await calls.oauthToken(SVC)}`,
    Buffer.from(await calls.oauthToken(SVC)).toString('base64'),
  ]
}

test('[W85] [J03] a live token in free text is stored as its handle, in every place', async () => {
  const texts = await canaries()
  for (const [place, say] of Object.entries(PLACES)) {
    for (const text of texts) {
      const answer = await say(text)
      assert.ok(answer.status < 300, `${place}: ${answer.status} ${answer.body.toString()}`)
    }
  }
  const paths = [
    '/audit?limit=1000',
    '/audit/export',
    '/audit/system?limit=1000',
    '/audit/system/export',
    '/revocations?limit=500',
  ]
  for (const path of ['holds', 'revocations/scheduled', 'approvals'])
    paths.push(`/${path}?state=open`, `/${path}?state=ended`)
  const kept: string[] = []
  // One after the other, since one key has room for a few long lists at a time.
  for (const path of paths) kept.push(await page(path))
  for (const text of texts) {
    for (const secret of text.match(/[A-Za-z0-9_.+/=-]{20,}/g) ?? []) {
      if (secret.startsWith('https')) continue
      for (const one of kept) assert.ok(!one.includes(secret), `${secret} in ${one.slice(0, 80)}…`)
    }
  }
  const one = await calls.control('POST /revocations', {
    target: TARGET,
    reason: `found ${texts[0]}, pasted by bob`,
  })
  assert.match(textAt(one, 'reason'), /^found tok_[A-Za-z0-9_-]{22}, pasted by bob$/)
})

test('[W85] text without a credential is stored unchanged, and text in a credential’s form is removed even if it is invalid', async () => {
  for (const reason of [
    'stolen laptop, ticket OPS-4711',
    'tok_AAAAAAAAAAAAAAAAAAAAAA',
    'é\u2028"quoted" <b>',
    'x'.repeat(256),
  ]) {
    const made = await calls.control('POST /revocations', { target: TARGET, reason, note: `note: ${reason}` })
    assert.deepEqual([memberAt(made, 'reason'), memberAt(made, 'note')], [reason, `note: ${reason}`])
  }
  const made = await calls.control('POST /keys', { name: 'spare', role: 'viewer' })
  const key = textAt(made, 'key')
  const said = await calls.control('POST /revocations', { target: TARGET, reason: `the key ${key}` })
  assert.equal(textAt(said, 'reason'), 'the key [a credential, not kept]')
  assert.equal((await calls.send('GET /me', [API_KEY])).status < 500, true)
})

const VERIFIER = 'Authorization: Bearer orders-api-key-0123456789'

// Text shown to an operator that hides or reorders its characters.
test('[S3] a name that hides or reorders text is 422, and a reason loses such characters, so that its call still works', async () => {
  for (const hidden of ['\u202e', '\u2066', '\u200b', '\u200d', '\ufeff', '\u{e0061}', '\u001b', '\n']) {
    for (const [line, body] of [
      ['POST /keys', { name: `o${hidden}ps`, role: 'viewer' }],
      ['POST /verifiers', { name: `o${hidden}ps` }],
      ['POST /chat-apps', { name: `o${hidden}ps` }],
    ] as const)
      assert.equal((await calls.control(line, body)).status, 422, `${line} ${JSON.stringify(hidden)}`)
    const label = encodeURIComponent(`o${hidden}ps`)
    const feed = await calls.send(`GET /control/v1/feed?bound=5000&label=${label}`, [VERIFIER])
    assert.equal(feed.status, 422, JSON.stringify(hidden))
  }
  for (const [reason, kept] of [
    ['leak \u202eyek\u202c of ops', 'leak yek of ops'],
    ['\u001b[2Kleak\u200b', '[2Kleak'],
    ['one\n\ttwo \u200d', 'one\n\ttwo \u200d'],
    ['\u202e\u200b', '[text that does not show]'],
  ]) {
    const made = await calls.control('POST /revocations', { target: TARGET, reason, note: reason })
    assert.deepEqual([made.status, memberAt(made, 'reason'), memberAt(made, 'note')], [201, kept, kept])
  }
})

test('[W85] no credential is stored beside another one that could be removed, in any form', async () => {
  const [plain, hidden] = [await calls.oauthToken(SVC), await calls.oauthToken(SVC)]
  const base64 = Buffer.from(hidden).toString('base64')
  const hex = Buffer.from(hidden).toString('hex')
  const wide = hidden.replaceAll(/[!-~]/g, (char) =>
    String.fromCodePoint((char.codePointAt(0) ?? 0) + 0xfee0),
  )
  const [head, tail] = [hidden.slice(0, 20), hidden.slice(20)]
  const handles = /^(?:tok_[A-Za-z0-9_-]{22}(?:, |$)){2}$/
  for (const other of [
    base64,
    hex,
    wide,
    hidden.replace('_', '%5F'),
    hidden.replace('_', '&#95;'),
    `${head}\u200b${tail}`,
    `${head}\n${tail}`,
    `${head}\r\n  ${tail}`,
  ]) {
    const made = await calls.control('POST /revocations', {
      target: TARGET,
      reason: `leak ${plain} and\n${other}`,
    })
    assert.match(textAt(made, 'reason'), handles, JSON.stringify(other))
  }
  for (const reason of [`${hidden} ${base64}`, `${base64} ${hex}`, `${head}\n${tail}`]) {
    const made = await calls.control('POST /revocations', { target: TARGET, reason })
    assert.match(textAt(made, 'reason'), /^tok_[A-Za-z0-9_-]{22}$/, reason)
  }
})

test('[W85] [J03] a live token in the text of a chat client is stored as its handle, in every member', async () => {
  await calls.chatClient('u2')
  const token = await calls.chatToken('u2')
  const access = await calls.oauthToken(SVC)
  const chosen = await calls.chatBound('u2', 'chosen-by-the-app-itself-0123')
  for (const [nth, text] of [token, access, `see ${access}.`, chosen, `Bearer ${token}`].entries()) {
    const body = {
      _id: `free${nth}`,
      nickname: text,
      avatarUrl: `https://x.example/?a=${access}`,
      notes: [{ [access]: text }],
    }
    const made = await calls.send('POST /admin/clients', [API_KEY, JSON_BODY], JSON.stringify(body))
    assert.equal(made.status, 200, made.body.toString())
    const list = await calls.send(
      'POST /admin/clients/list',
      [API_KEY, JSON_BODY],
      JSON.stringify({ data: [{ ...body, _id: `list${nth}` }] }),
    )
    assert.equal(list.status, 200, list.body.toString())
    const shown = made.body.toString() + (await calls.send('GET /admin/clients', [API_KEY])).body.toString()
    for (const secret of [token, access, chosen]) assert.ok(!shown.includes(secret), `${nth}: ${secret}`)
    assert.match(textAt(made, 'result', 'nickname'), /tok_[A-Za-z0-9_-]{22}|\[a credential, not kept\]/)
  }
  const named = await calls.send('POST /admin/clients', [API_KEY, JSON_BODY], JSON.stringify({ _id: access }))
  assert.equal(named.status, 400, named.body.toString())
})

test('[W85] text that only looks like a token, or is a token of another app, is returned unchanged', async () => {
  await calls.chatBound('u2', 'chosen-by-the-app-itself-0123')
  const other = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJlLW9mLXNvbWVib2R5LWVsc2U'
  for (const nickname of [
    'Ann of the long family name',
    'https://x.example/a/long/path',
    'rsa_not-one',
    other,
  ]) {
    const made = await calls.send(
      'POST /admin/clients',
      [API_KEY, JSON_BODY],
      JSON.stringify({ _id: 'plain', nickname }),
    )
    assert.equal(textAt(made, 'result', 'nickname'), nickname)
  }
})

test('[W85] names in rules, ids and subjects that contain a token are refused and never stored', async () => {
  const access = await calls.oauthToken(SVC)
  const bodies: readonly (readonly [string, object])[] = [
    ['POST /revocations', { target: { source: 'oauth', subject: access }, reason: 'r' }],
    ['POST /revocations', { target: { source: ['oauth', access] }, reason: 'r' }],
    ['POST /revocations', { target: { source: 'oauth', client: `client ${access}` }, reason: 'r' }],
    ['POST /holds', { target: { grant: access }, reason: 'r', seconds: 60, atDeadline: 'release' }],
    ['POST /grants', { clientId: SVC.clientId, subject: access }],
    ['POST /clients', { clientId: access, grantTypes: ['client_credentials'] }],
  ]
  for (const [line, body] of bodies) {
    const answer = await calls.control(line, body)
    assert.equal(answer.status, 422, `${line}: ${answer.body.toString()}`)
    assert.ok(!answer.body.toString().includes(access))
  }
  assert.ok(!(await page('/audit/export')).includes(access))
})
