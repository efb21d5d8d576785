import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { CONTROL_KEY, makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

const REALMS = 1_000
const BYTES_MAX = 100 * 1_024
const AT_ONCE = 20

/** Bytes of a process that are in memory. */
function residentBytes({ process: { pid } }: ServerProcess): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1_024
}

async function forAll(ask: (nth: number) => Promise<Response>, status: number): Promise<void> {
  for (let from = 0; from < REALMS; from += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, (_, nth) => ask(from + nth)))
    for (const answer of answers) {
      assert.equal(answer.status, status)
      await answer.arrayBuffer()
    }
  }
}

const METADATA = '.well-known/oauth-authorization-server'

test('[W104] a thousand empty realms cost at most 100 KB each, asked for or not, made or met at a start', async (t) => {
  const home = makeHome()
  let server = await startProcess({ home })
  t.after(async () => {
    await server.kill()
    home.remove()
  })
  const metadataOf = (nth: number): Promise<Response> =>
    fetch(`${server.url}/${METADATA}/realms/r${nth}/api/id/v1`)
  // Load the code that requests run before anything is counted.
  await forAll(() => fetch(`${server.url}/${METADATA}/api/id/v1`), 200)
  const alone = residentBytes(server)
  const headers = { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' }
  const make = (nth: number): Promise<Response> =>
    fetch(`${server.url}/control/v1/realms`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': `make-${nth}` },
      body: JSON.stringify({ name: `r${nth}` }),
    })
  for (let nth = 0; nth < REALMS; nth += 1) assert.equal((await make(nth)).status, 201)
  const costs = { made: residentBytes(server) - alone, asked: 0, met: 0 }
  await forAll(metadataOf, 200)
  costs.asked = residentBytes(server) - alone
  assert.equal(await server.stop(), 0)
  server = await startProcess({ home })
  await forAll(() => fetch(`${server.url}/${METADATA}/api/id/v1`), 200)
  costs.met = residentBytes(server) - alone
  for (const [when, bytes] of Object.entries(costs)) {
    t.diagnostic(`${when}: ${Math.round(bytes / REALMS / 1_024)} KB for each realm`)
    assert.ok(bytes <= REALMS * BYTES_MAX, `${when}: ${bytes} bytes`)
  }
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
})
