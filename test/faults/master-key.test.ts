import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { Calls, CONTROL, JSON_BODY, memberAt } from '../kit/calls.ts'
import { SVC } from '../kit/seed.ts'
import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

describe('changing the master key', () => {
  const home = makeHome()
  const path = join(home.folder, 'data', 'master.key')
  after(() => home.remove())

  async function within(act: (calls: Calls) => Promise<void>): Promise<void> {
    const server: ServerProcess = await startProcess({ home })
    const calls = new Calls(Number(new URL(server.url).port))
    try {
      await act(calls)
    } finally {
      calls.close()
      await server.kill()
    }
  }

  it('goes on under load, survives a kill, and opens the store by the new key only', async () => {
    let token = ''
    await within(async (calls) => {
      const before = readFileSync(path, 'utf8')
      cpSync(path, `${path}.before`)
      token = await calls.oauthToken(SVC)
      assert.equal((await calls.send('POST /control/v1/master-key/rotate', [CONTROL])).status, 200)
      assert.notEqual(readFileSync(path, 'utf8'), before)
      const log = await calls.send('GET /control/v1/audit/system?limit=1', [CONTROL])
      const [row] = memberAt(log, 'rows') as { audit: { by: string; how: string } }[]
      assert.deepEqual([row?.audit.by, row?.audit.how], ['control:first', 'control.rotateMasterKey'])
      assert.equal(statSync(path).mode & 0o077, 0)
      assert.equal(existsSync(`${path}.next`), false)
      assert.ok(await calls.isActive(SVC, token))
      const made = await calls.send('POST /control/v1/realms', [CONTROL, JSON_BODY], '{"name":"later"}')
      assert.equal(made.status, 201, 'a realm that is made afterwards is wrapped by the new key')
    })
    await within(async (calls) => {
      assert.ok(await calls.isActive(SVC, token))
      assert.equal((await calls.send('GET /control/v1/issuers?realm=later', [CONTROL])).status, 200)
    })
  })

  it('interrupted before the store has changed leaves the old key; after that, the new one is used', async () => {
    writeFileSync(`${path}.next`, readFileSync(`${path}.before`, 'utf8'), { mode: 0o600 })
    await within(async (calls) => assert.ok(await calls.isActive(SVC, await calls.oauthToken(SVC))))
    assert.equal(existsSync(`${path}.next`), false, 'a key that opens nothing is cleared away')
    // As after a crash between the commit and the renaming: the file still has the old key.
    cpSync(path, `${path}.next`)
    cpSync(`${path}.before`, path)
    await within(async (calls) => assert.ok(await calls.isActive(SVC, await calls.oauthToken(SVC))))
    assert.equal(existsSync(`${path}.next`), false)
    assert.notEqual(readFileSync(path, 'utf8'), readFileSync(`${path}.before`, 'utf8'))
  })
})
