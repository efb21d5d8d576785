import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { Answer } from '@rescind/dialects'
import { writeAnswer } from './reply.ts'

async function serving(answer: () => Answer): Promise<{ server: http.Server; url: string }> {
  const server = http.createServer((request, response) => writeAnswer(response, request, answer()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

const HEADERS = { 'content-type': 'text/plain' }

test('a reader that takes nothing is cut off when the answer says so, and what it was owed is dropped', async () => {
  const cut = new AbortController()
  let parts = 0
  async function* endless(): AsyncGenerator<string, void> {
    for (;;) {
      parts += 1
      yield 'x'.repeat(1_000_000)
    }
  }
  const { server, url } = await serving(() => ({
    status: 200,
    headers: HEADERS,
    body: endless(),
    until: cut.signal,
  }))
  const request = http.get(url)
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.pause()
  response.on('error', () => undefined)
  const closed = new Promise((done) => response.once('close', done))
  cut.abort()
  response.resume()
  await closed
  assert.equal(response.complete, false)
  assert.ok(parts < 100, 'nothing is produced ahead of the reader')
  server.closeAllConnections()
  server.close()
})

test('the producer of the parts learns at once that the reader has gone', async () => {
  const left = Promise.withResolvers<void>()
  const body: AsyncIterable<string> = {
    [Symbol.asyncIterator]: () => {
      let first = true
      return {
        next: () => {
          if (!first) return new Promise(() => undefined)
          first = false
          return Promise.resolve({ done: false, value: 'hello' })
        },
        return: () => {
          left.resolve()
          return Promise.resolve({ done: true, value: undefined })
        },
      }
    },
  }
  const { server, url } = await serving(() => ({ status: 200, headers: HEADERS, body }))
  const request = http.get(url)
  await once(request, 'response')
  request.on('error', () => undefined)
  request.destroy()
  await left.promise
  server.closeAllConnections()
  server.close()
})

test('an answer whose parts fail breaks off, and never ends as if it were whole', async () => {
  async function* broken(): AsyncGenerator<string, void> {
    yield 'half'
    throw new Error('away')
  }
  const { server, url } = await serving(() => ({ status: 200, headers: HEADERS, body: broken() }))
  await assert.rejects(fetch(url).then((reply) => reply.text()))
  server.closeAllConnections()
  server.close()
})
