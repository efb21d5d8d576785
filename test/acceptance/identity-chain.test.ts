import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Calls, JSON_BODY } from '../kit/calls.ts'
import { openServer } from '../kit/in-process.ts'
import { headerOf } from '../kit/raw-http.ts'
import { BOB, GATEWAY } from '../kit/seed.ts'

/** The setting, from the command line to introspection. */
for (const isOn of [false, true]) {
  test(`with identityChainRevocation ${isOn}, a token made from another ${isOn ? 'ends with' : 'outlives'} it`, async () => {
    const flags = ['--identity-chain-revocation', String(isOn)]
    const server = await openServer({ time: 'hand', flags })
    const calls = new Calls(server.port)
    try {
      const login = async (identity: object, scope: unknown): Promise<string> => {
        const body = JSON.stringify({ auth: { identity, scope } })
        const answer = await calls.send('POST /v3/auth/tokens', [JSON_BODY], body)
        return headerOf(answer, 'x-subject-token') ?? assert.fail(answer.statusLine)
      }
      const project = { project: { id: BOB.tenant } }
      const user = { id: BOB.id, password: BOB.password }
      const first = await login({ methods: ['password'], password: { user } }, 'unscoped')
      const second = await login({ methods: ['token'], token: { id: first } }, project)
      const v2 = JSON.stringify({ auth: { token: { id: first }, tenantId: BOB.tenant } })
      const answer = await calls.send('POST /v2.0/tokens', [JSON_BODY], v2)
      const third = (JSON.parse(answer.body.toString()) as { access: { token: { id: string } } }).access.token
        .id
      const headers = [`X-Auth-Token: ${first}`, `X-Subject-Token: ${first}`]
      assert.equal((await calls.send('DELETE /v3/auth/tokens', headers)).status, 204)
      const states = []
      for (const token of [first, second, third]) states.push(await calls.isActive(GATEWAY, token))
      assert.deepEqual(states, [false, !isOn, !isOn])
    } finally {
      calls.close()
      await server.close()
    }
  })
}
