import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Authority from '@rescind/authority'
import type * as Core from '@rescind/core'
import type * as Log from '@rescind/core/log'
import type * as Server from '@rescind/server'
import type * as Stores from '@rescind/stores'
import { CHAT, SEED } from '../../kit/seed.ts'
import { CONTROL_KEY } from '../../kit/server.ts'
import type { Sizes } from './sizes.ts'

/**
 * Makes a large store with the code of a tree, in its own process: `node make-store.ts '{"tree","folder","sizes"}'`.
 * Data that has to be sealed or wrapped goes through the API; tokens and log rows go straight into the store.
 */
type Job = { readonly tree: string; readonly folder: string; readonly sizes: Sizes }

const { tree, folder, sizes } = JSON.parse(process.argv[2] ?? '') as Job
const from = (room: string): string => pathToFileURL(join(tree, room, 'index.ts')).href
// The other tree's rooms must be like this one's, as far as they are used here.
const core = (await import(from('core'))) as typeof Core
const { encodeRule } = (await import(from('core/log'))) as typeof Log
const { putToken } = (await import(from('authority'))) as typeof Authority
const { openSqlite } = (await import(from('stores'))) as typeof Stores
const { checkConfig, resolveSettings, startServer } = (await import(from('server'))) as typeof Server

const DAY_MS = 86_400_000
const WRITES_OF = 5_000
const STORE = join(folder, 'rescind.db')
const SEED_FILE = join(folder, 'seed.json')
const REALM = core.realmOrdinal(1)

mkdirSync(folder, { recursive: true, mode: 0o700 })
writeFileSync(SEED_FILE, JSON.stringify(SEED), { mode: 0o600 })
await withServer(byTheApi)
await straightIn()
// The index of revocations is built behind the log, a hundred blocks a round.
await withServer(async (_url, tick) => {
  for (let round = 0; round <= sizes.revocations / 100_000 + 1; round += 1) await tick()
})

async function withServer(act: (url: string, tick: () => Promise<void>) => Promise<void>): Promise<void> {
  const flags = ['--listen', '127.0.0.1:0', '--log-level', 'silent', '--seed', SEED_FILE]
  const values = resolveSettings({
    flags: [...flags, '--store', `sqlite:${STORE}`, '--master-key-file', join(folder, 'master.key')],
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
    file: undefined,
  })
  const server = await startServer(checkConfig(values))
  await act(server.url, server.maintenance.tick)
  await server.close()
}

async function byTheApi(url: string): Promise<void> {
  const post = async (path: string, headers: Record<string, string>, body: unknown): Promise<void> => {
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    await answer.arrayBuffer()
  }
  const control = { authorization: `Bearer ${CONTROL_KEY}` }
  const chat = { 'im-api-key': CHAT.apiKey }
  await inBatches(sizes.realms, 1, (nth) => post('/control/v1/realms', control, { name: `realm-${nth}` }))
  await inBatches(Math.ceil(sizes.clients / 1_000), 1, (nth) => {
    const count = Math.min(1_000, sizes.clients - nth * 1_000)
    const data = Array.from({ length: count }, (_, at) => ({
      _id: `c${nth * 1_000 + at}`,
      nickname: `Client ${at}`,
    }))
    return post('/admin/clients/list', chat, { data })
  })
  await inBatches(sizes.chatTokens, 32, (nth) =>
    post('/admin/clients', chat, { _id: `holder-${nth % 100}`, issueAccessToken: true }),
  )
}

async function inBatches(count: number, width: number, act: (nth: number) => Promise<void>): Promise<void> {
  for (let from_ = 0; from_ < count; from_ += width) {
    const nths = Array.from({ length: Math.min(width, count - from_) }, (_, at) => from_ + at)
    await Promise.all(nths.map(act))
  }
}

async function straightIn(): Promise<void> {
  const random = { bytes: (count: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(count))) }
  const store = await openSqlite(STORE, Date.now())
  const [sample] = (await store.tokens(REALM, { after: undefined, limit: 1 })).records
  const position = sample?.position ?? core.ORIGIN
  const nowMs = Date.now()
  type Operations = Parameters<typeof store.commit>[0]['writes'][number]['operations']
  const commit = async (operations: Operations): Promise<void> => {
    const write = { realm: REALM, dependsOn: [], expects: [], operations }
    const { outcomes } = await store.commit({ writes: [write], floorMs: await store.floor() })
    if (outcomes[0]?.kind !== 'applied') throw new Error('the store took nothing')
  }
  const revoked: {
    digest: ReturnType<typeof core.tokenDigest>
    handle: ReturnType<typeof core.mintHandle>
  }[] = []
  for (let done = 0; done < sizes.tokens; done += WRITES_OF) {
    const count = Math.min(WRITES_OF, sizes.tokens - done)
    const puts = Array.from({ length: count }, (_, at) => {
      const nth = done + at
      const handle = core.mintHandle(random)
      const digest = core.tokenDigest(random.bytes(32).toString('base64url'))
      if (nth < sizes.revocations) revoked.push({ digest, handle })
      const principals = {
        source: 'oauth',
        client: `client-${nth % 1_000}`,
        subject: `subject-${nth % 100_000}`,
      }
      const record = {
        ...{ digest, handle, kind: 'access' as const, grant: core.grantOf(handle), ancestors: [], position },
        ...{ ...principals, scope: 'read', issuedAtMs: nowMs, expiresAtMs: nowMs + 30 * DAY_MS },
      }
      return putToken(record)
    })
    await commit(puts)
  }
  const audit = JSON.stringify({ by: 'oauth:svc', from: '127.0.0.1', how: 'oauth.revoke' })
  for (let done = 0; done < revoked.length; done += WRITES_OF) {
    const rows = revoked.slice(done, done + WRITES_OF).map(({ digest, handle }) => {
      const target = { kind: 'token' as const, source: 'oauth', digest, handle }
      const rule = { kind: 'revoke' as const, target, keepUntilMs: nowMs + 31 * DAY_MS }
      // The handle's key belongs to another realm; the digest's does not.
      const row = { atMs: nowMs, rule, bytes: encodeRule(rule, 'k'.repeat(43)), audit }
      return { kind: 'append' as const, row }
    })
    await commit(rows)
  }
  await store.close()
}
