import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TEST_CERT, TEST_KEY } from '../test/kit/tls.ts'
import { openVerifierWorld } from '../test/kit/world-verifier.ts'
import { NotReady, openVerifier, type Trouble } from './index.ts'
import { SourceFailed } from './source/trouble.ts'
import { MemorySource } from './testing/memory-source.ts'

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** What a verifier reports about a server that it cannot follow: in `onState`, in `trouble`, and in the error of `ready`. */
async function troubleWith(url: string): Promise<Trouble> {
  const told: (Trouble | undefined)[] = []
  let isTold = (): void => {}
  const first = new Promise<void>((resolve) => {
    isTold = resolve
  })
  const onState = (_state: string, trouble: Trouble | undefined): void => {
    told.push(trouble)
    if (trouble !== undefined) isTold()
  }
  const verifier = openVerifier({ url, key: 'a-key', onState })
  try {
    await first
    const { trouble } = verifier
    assert.ok(trouble !== undefined)
    assert.deepEqual(told.at(-1), trouble)
    assert.deepEqual(verifier.stats().trouble, trouble)
    await assert.rejects(verifier.ready(1), (error) => {
      assert.ok(error instanceof NotReady && error.trouble !== undefined)
      return error.message.includes(error.trouble.kind) && error.message.includes(error.trouble.message)
    })
    return trouble
  } finally {
    await verifier.close()
  }
}

test('[R5] [W50] failures are distinguished: no server, no such name, no trust, another kind of server, a status', async () => {
  const page = createServer((_request, response) => response.end('<!doctype html><title>shop</title>'))
  const lost = createServer((_request, response) => response.writeHead(404).end())
  const locked = createServer((_request, response) => response.writeHead(401).end())
  const foreign = createServer((_request, response) => response.writeHead(403).end())
  const tls = createTlsServer({ cert: TEST_CERT, key: TEST_KEY })
  const mute = createTcpServer((socket) => socket.end('SSH-2.0-mute\r\n'))
  const gone = createServer()
  const servers: Server[] = [page, lost, locked, tls, mute, gone, foreign]
  const [pagePort, lostPort, lockedPort, tlsPort, mutePort, gonePort, foreignPort] = await Promise.all(
    servers.map(portOf),
  )
  gone.close()
  try {
    assert.equal((await troubleWith(`http://127.0.0.1:${gonePort}`)).kind, 'unreachable')
    assert.equal((await troubleWith('https://nobody.invalid')).kind, 'unknown-host')
    assert.equal((await troubleWith(`http://127.0.0.1:${pagePort}`)).kind, 'not-rescind')
    assert.equal((await troubleWith(`http://127.0.0.1:${mutePort}`)).kind, 'not-rescind')
    assert.equal((await troubleWith(`https://127.0.0.1:${tlsPort}`)).kind, 'tls', 'a certificate of its own')
    assert.equal((await troubleWith(`https://127.0.0.1:${pagePort}`)).kind, 'tls', 'no TLS there at all')
    const wrongPath = await troubleWith(`http://127.0.0.1:${lostPort}/somewhere`)
    assert.deepEqual([wrongPath.kind, wrongPath.status], ['status', 404])
    const wrongKey = await troubleWith(`http://127.0.0.1:${lockedPort}`)
    assert.deepEqual([wrongKey.kind, wrongKey.status], ['status', 401])
    assert.match(wrongKey.message, /401: it does not know this key/)
    const controlKey = await troubleWith(`http://127.0.0.1:${foreignPort}`)
    assert.deepEqual([controlKey.kind, controlKey.status], ['status', 403])
    assert.match(controlKey.message, /403: this key is not for a verifier/)
  } finally {
    for (const server of servers) server.close()
  }
})

test('[W50] a private CA is trusted as the page says: by NODE_EXTRA_CA_CERTS, and then TLS is no longer reported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const ca = join(folder, 'ca.pem')
  writeFileSync(ca, TEST_CERT)
  const server = createTlsServer({ cert: TEST_CERT, key: TEST_KEY }, (_request, response) =>
    response.writeHead(401).end(),
  )
  const port = await portOf(server)
  const program = `
    const { openVerifier } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
    openVerifier({ url: 'https://127.0.0.1:${port}', key: 'k', onState: (state, trouble) => {
      console.log(state, trouble.kind)
      process.exit(0)
    } })`
  const words = ['--input-type=module', '-e', program]
  try {
    for (const [environment, said] of [
      [{}, 'disconnected tls'],
      [{ NODE_EXTRA_CA_CERTS: ca }, 'refused status'],
    ] as const) {
      const child = spawn(process.execPath, words, {
        env: { PATH: process.env['PATH'], ...environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let text = ''
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8')
      })
      await once(child, 'close')
      assert.equal(text.trim(), said)
    }
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})

test('a forked verifier says why: a state file of another realm, or a log that was rolled back', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const stateFile = join(folder, 'state')
  const first = openVerifierWorld({ stateFile })
  await first.time.run(2_000)
  await first.verifier.close()
  const { time } = first
  const other = new MemorySource(() => time.wallMs())
  const config = other.config.bind(other)
  other.config = async () => ({
    ...(await config()),
    digestKey: 'the-digest-key-of-another-realm-0123456789',
  })
  const mistaken = openVerifierWorld({ time, source: other, stateFile })
  await time.run(500)
  assert.deepEqual([mistaken.verifier.state, mistaken.verifier.trouble?.kind], ['forked', 'other-realm'])
  assert.match(mistaken.verifier.trouble?.message ?? '', /another realm.*state file/)
  await assert.rejects(Promise.all([mistaken.verifier.ready(1), time.run(2)]), /other-realm/)

  const rolledBack = openVerifierWorld({ time })
  await time.run(500)
  rolledBack.source.acknowledge = () => Promise.reject(new SourceFailed('forked', 409))
  await time.run(2_000)
  assert.deepEqual([rolledBack.verifier.state, rolledBack.verifier.trouble?.kind], ['forked', 'rolled-back'])
  assert.match(rolledBack.verifier.trouble?.message ?? '', /rescind epoch new/)
  rmSync(folder, { recursive: true })
})
