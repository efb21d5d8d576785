import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTROL } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'

const { calls } = await openForFile({ time: 'hand' })

/** As Chrome, Firefox and Safari send it for an address that was typed. */
const BROWSER = 'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

const browse = (line: string, ...headers: string[]): Promise<RawAnswer> =>
  calls.send(line, [BROWSER, ...headers])

const pageOf = async (...headers: string[]): Promise<string> =>
  (await browse('GET /', ...headers)).body.toString()

test('a browser at / gets a page that says what this is, and where its API is', async () => {
  const answer = await browse('GET /')
  assert.equal(answer.status, 200)
  assert.equal(headerOf(answer, 'content-type'), 'text/html; charset=utf-8')
  assert.equal(headerOf(answer, 'vary'), 'Accept')
  for (const path of ['/healthz', '/readyz', '/api/id/v1', '/v2.0', '/v3', '/control/v1/openapi.json'])
    assert.ok(answer.body.includes(path), path)
  assert.equal((await browse('HEAD /')).body.length, 0)
  assert.deepEqual((await calls.send('GET /', ['Accept: text/html'])).body, answer.body)
})

test('every address on that page leads somewhere', async () => {
  const described = [...(await pageOf()).matchAll(/(?:GET |described at\n<code>)(\/[^<]+)/g)].map(
    ([, path = '']) => path,
  )
  assert.equal(described.length, 4)
  for (const path of described) assert.equal((await calls.send(`GET ${path}`, [CONTROL])).status, 200, path)
})

test('the page needs nothing that its content security policy forbids, and says nothing of this server', async () => {
  const page = await pageOf('Host: evil.example')
  assert.doesNotMatch(page, /<(?:script|style|link|img|iframe|form|base|object)\b|style=|\bon\w+=|\burl\(/i)
  assert.doesNotMatch(page, /\d+\.\d+\.\d+|evil\.example/)
  assert.equal(await pageOf('Host: other.example'), page)
})

test('clients of the Identity API get its versions at / as before, those that take HTML among them', async () => {
  const clients: readonly (readonly string[])[] = [
    [],
    ['Accept: */*'],
    ['Accept: application/json'],
    ['Accept: application/json, text/html;q=0.5'],
    // Java's HttpURLConnection, up to version 19.
    ['Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2'],
  ]
  for (const headers of clients) {
    const answer = await calls.send('GET /', headers)
    assert.equal(answer.status, 300, headers.join())
    assert.doesNotMatch(headerOf(answer, 'content-type') ?? '', /html/, headers.join())
  }
})

test('the page is at / alone, and is only read', async () => {
  for (const path of ['/v2.0', '/v3', '/healthz', '/none', '/me'])
    assert.doesNotMatch(headerOf(await browse(`GET ${path}`), 'content-type') ?? '', /html/, path)
  assert.equal((await browse('POST /')).status, 405)
})
