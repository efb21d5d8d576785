import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startOwnPostgres } from '../kit/postgres-server.ts'
import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'

const TOKEN = '/api/id/v1/auth/token'
const SVC = ['svc', 'secret-of-svc-0123456789'] as const
const GATEWAY = ['gateway', 'secret-of-gateway-0123456789'] as const
const SEED = {
  realms: [
    {
      name: 'default',
      oauthClients: [
        { clientId: SVC[0], clientSecret: SVC[1], grantTypes: ['client_credentials'], introspect: 'own' },
        {
          clientId: GATEWAY[0],
          clientSecret: GATEWAY[1],
          grantTypes: ['client_credentials'],
          introspect: 'any',
        },
      ],
    },
  ],
}
const NODES = 3
const WORKERS = 3
/** A node takes some seconds to start on a busy machine, and another one is always there. */
const ATTEMPTS = 200
const PAUSE_MS = 20

/** What a balancer does: another node, where one refuses the connection, breaks it off, or says that it cannot answer now. */
class Balancer {
  readonly urls: string[] = []
  #next = 0
  requests = 0
  retries = 0

  async post(path: string, who: readonly [string, string], form: Record<string, string>): Promise<unknown> {
    this.requests += 1
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const answer = await this.#attempt(path, who, form)
      if (answer !== undefined && answer.status !== 503) {
        assert.equal(answer.status, 200, answer.text)
        return answer.text === '' ? undefined : (JSON.parse(answer.text) as unknown)
      }
      if (answer !== undefined) assert.ok(answer.retryAfter !== null, 'a 503 says when to try again')
      this.retries += 1
      await wait(PAUSE_MS)
    }
    return assert.fail(`${path} was lost`)
  }

  async #attempt(path: string, who: readonly [string, string], form: Record<string, string>) {
    this.#next += 1
    const url = this.urls[this.#next % this.urls.length] ?? ''
    const authorization = `Basic ${Buffer.from(who.join(':')).toString('base64')}`
    try {
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { authorization },
        body: new URLSearchParams(form),
      })
      return {
        status: answer.status,
        retryAfter: answer.headers.get('retry-after'),
        text: await answer.text(),
      }
    } catch {
      return undefined
    }
  }
}

async function work(balancer: Balancer, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const issued = (await balancer.post(TOKEN, SVC, { grant_type: 'client_credentials' })) as {
      readonly access_token: string
    }
    const token = issued.access_token
    assert.deepEqual(await isActive(balancer, token), true)
    await balancer.post(`${TOKEN}/revoke`, SVC, { token })
    // Each asks another node.
    for (let nth = 0; nth < NODES; nth += 1) assert.deepEqual(await isActive(balancer, token), false)
  }
}

async function isActive(balancer: Balancer, token: string): Promise<boolean> {
  const answer = (await balancer.post(`${TOKEN}/introspect`, GATEWAY, { token })) as {
    readonly active: boolean
  }
  return answer.active
}

async function ready(url: string): Promise<void> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if ((await fetch(`${url}/readyz`)).status === 200) return
    await wait(PAUSE_MS)
  }
  assert.fail(`${url} is not ready`)
}

test('nodes are restarted one after the other, and no request is lost or answered wrongly', {
  timeout: 240_000,
}, async () => {
  const postgres = await startOwnPostgres()
  const home = makeHome()
  const { user, port, database } = postgres.address
  const store = `postgres://${user}@127.0.0.1:${port}/${database}`
  const start = (listen: string): Promise<ServerProcess> =>
    startProcess({
      home,
      seed: SEED,
      store,
      flags: ['--listen', listen, '--public-url', 'http://127.0.0.1:9'],
    })
  const nodes: ServerProcess[] = []
  try {
    for (let nth = 0; nth < NODES; nth += 1) nodes.push(await start('127.0.0.1:0'))
    const balancer = new Balancer()
    balancer.urls.push(...nodes.map(({ url }) => url))
    let isOver = false
    const working = Array.from({ length: WORKERS }, () => work(balancer, () => isOver))
    // A failure of the load ends the test at once.
    const failed = Promise.all(working)
    const restarting = (async () => {
      for (const [nth, node] of nodes.entries()) {
        assert.equal(await node.stop(), 0, node.output())
        nodes[nth] = await start(new URL(node.url).host)
        await ready(node.url)
      }
      isOver = true
    })()
    await Promise.race([failed, restarting])
    await Promise.all([failed, restarting])
    console.log(`${balancer.requests} requests, ${balancer.retries} sent again`)
  } finally {
    for (const node of nodes) await node.kill()
    await postgres.stop()
    home.remove()
  }
})
