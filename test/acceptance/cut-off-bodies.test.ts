import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { API_KEY, JSON_BODY } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'

const { server, calls } = await openForFile({ time: 'real' })

/** Sends exactly these bytes. @returns what came back until the connection ended. */
function sent(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(server.port, '127.0.0.1')
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('utf8')))
    socket.end(text)
  })
}

/** Bodies that are shorter than declared. */
const CUT_OFF: readonly string[] = [
  'Content-Length: 20\r\n\r\n{"tok',
  'Content-Length: 1\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n5\r\n{"tok',
  'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n',
  'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n',
]
/** Invalid framing, which is answered alike on every path. */
const BROKEN: readonly string[] = [
  'Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n',
  'Transfer-Encoding: chunked\r\n\r\n-1\r\n',
]

test('a body that breaks off on a path of chat is answered in the envelope, and nothing is ended', async () => {
  const token = await calls.chatToken('u1')
  for (const body of [...CUT_OFF, ...BROKEN]) {
    for (const line of [
      'DELETE /admin/clients/u1/token',
      'DELETE /admin/clients/u1',
      'POST /admin/clients',
    ]) {
      const text = await sent(`${line} HTTP/1.1\r\nHost: x\r\n${API_KEY}\r\n${JSON_BODY}\r\n${body}`)
      const [head = '', said = ''] = text.split('\r\n\r\n')
      assert.match(head, /^HTTP\/1\.1 400 /, `${line} ${body}`)
      if (!CUT_OFF.includes(body)) continue
      const { RC, RM, error } = JSON.parse(said) as { RC: number; RM: string; error: { code: string } }
      assert.deepEqual([RC, RM, error.code], [400, 'Bad Request', 'INVALID_REQUEST'])
    }
    assert.equal((await calls.chatMe(token)).status, 200, body)
  }
})
