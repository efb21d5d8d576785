import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { openServer, PUBLIC_URL, type TestServer } from '../kit/in-process.ts'
import { TEST_CERT, TEST_KEY } from '../kit/tls.ts'
import { AWKWARD, type Awkward } from './awkward-requests.ts'

const PUBLIC = ['--public-url', PUBLIC_URL]
const KEPT_OPEN = /^Connection: keep-alive\r\nKeep-Alive: timeout=\d+\r\n/gm

describe('a server over TLS answers as one over TCP does, byte by byte', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-tls-'))
  let plain: TestServer
  let secured: TestServer
  before(async () => {
    writeFileSync(join(folder, 'tls.crt'), TEST_CERT)
    writeFileSync(join(folder, 'tls.key'), TEST_KEY, { mode: 0o600 })
    const pair = ['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')]
    plain = await openServer({ time: 'hand', flags: PUBLIC })
    secured = await openServer({ time: 'hand', flags: [...PUBLIC, ...pair] })
  })
  after(async () => {
    await Promise.all([plain.close(), secured.close()])
    rmSync(folder, { recursive: true })
  })

  it(`to ${AWKWARD.length} awkward ways to send a request`, async () => {
    const statuses = new Set<string>()
    for (const awkward of AWKWARD) {
      const [one, other] = await Promise.all([
        told(awkward, () => connect(at(plain))),
        told(awkward, () => connectTls({ ...at(secured), ca: TEST_CERT })),
      ])
      assert.equal(other, one, awkward.name)
      for (const [, status = ''] of one.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) statuses.add(status)
    }
    // Equal answers prove nothing if all are the same refusal.
    assert.deepEqual([...statuses].sort(), ['100', '200', '204', '400', '401', '404', '413', '415', '431'])
  })
})

function at({ port }: TestServer): { readonly port: number; readonly host: string } {
  return { port, host: '127.0.0.1' }
}

/** Sends all parts, and reads until the server ends the connection. */
async function told({ parts, ending }: Awkward, open: () => Socket): Promise<string> {
  const socket = open().setNoDelay()
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  // A server may refuse before it has read everything, and the rest of the bytes is reset then.
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'encrypted' in socket ? 'secureConnect' : 'connect')
  for (const part of parts) {
    await new Promise<void>((resolve) => socket.write(part, () => resolve()))
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  if (ending === 'half') socket.end()
  await closed
  const undated = text.replaceAll(/^date: .*\r\n/gim, '')
  // The end may come before the answer is ready or after it. Both are right, and the store's speed decides.
  return ending === 'half' ? undated.replaceAll(KEPT_OPEN, 'Connection: close\r\n') : undated
}
