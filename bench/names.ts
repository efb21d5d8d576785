/** What the index of names costs and gives: `node --expose-gc bench/names.ts --tokens 1000000 --folder DIR`. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { putToken, type Realm, Realms, recordOf, type Store } from '@rescind/authority'
import { tokenName } from '@rescind/authority/names'
import { ancestorsFrom, type TokenRecord } from '@rescind/core'
import type { Target } from '@rescind/core/log'
import { RawToken } from '@rescind/core/tokens'
import { openSqlite } from '@rescind/stores'
import { previewOf } from '../server/rules/preview.ts'
import { NameIndex } from '../stores/sqlite/name-index.ts'
import { percentile } from './statistics.ts'

const PER_SUBJECT = 46
const CLIENTS = 1_000
const PREVIEWS = 200
const DAY_MS = 86_400_000

const { values } = parseArgs({
  options: { tokens: { type: 'string', default: '1000000' }, folder: { type: 'string' } },
})
const tokens = Number(values.tokens)
const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'rescind-bench-names-'))
mkdirSync(folder, { recursive: true })
const path = join(folder, 'rescind.db')

await make()
await measure()
putCost()
if (values.folder === undefined) rmSync(folder, { recursive: true })

async function opened(): Promise<{ store: Store; realms: Realms }> {
  const store = await openSqlite(path, Date.now())
  const realms = await Realms.open({
    store,
    master: { bytes: Buffer.alloc(32, 9) },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: { bytes: (count) => randomBytes(count) },
    defer: (task) => setImmediate(task),
  })
  return { store, realms }
}

/** One in four is a refresh token, and the next three descend from it and are of its grant. */
function recordsOf(realm: Realm, from: number, count: number): readonly TokenRecord[] {
  const at = { position: realm.position(), issuedAtMs: realm.nowMs() }
  const subjects = Math.ceil(tokens / PER_SUBJECT)
  let parent: TokenRecord | undefined
  return Array.from({ length: count }, (_, nth) => {
    const number = from + nth
    const login = number >>> 2
    if (number % 4 === 0) parent = undefined
    const raw = RawToken.parse(`token ${number} ${randomBytes(16).toString('base64url')}`)
    if (raw === undefined) throw new Error('a text of a token')
    const record = recordOf(
      realm,
      {
        ...{ raw, source: 'oauth', client: `client-${login % CLIENTS}`, subject: `user-${login % subjects}` },
        ...{
          kind: number % 4 === 0 ? 'refresh' : 'access',
          scope: 'read',
          expiresAtMs: at.issuedAtMs + DAY_MS,
        },
        ...(parent === undefined ? {} : { grant: parent.grant, ancestors: ancestorsFrom([parent]) }),
      },
      at,
    )
    parent ??= record
    return record
  })
}

async function make(): Promise<void> {
  const { store, realms } = await opened()
  const realm = realms.default
  for (let done = 0; done < tokens; done += 1_000) {
    const operations = recordsOf(realm, done, Math.min(1_000, tokens - done)).map(putToken)
    await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations })
  }
  await realms.ledger.close()
  await store.close()
}

async function measure(): Promise<void> {
  const beganMs = performance.now()
  const { store, realms } = await opened()
  const realm = realms.default
  const openMs = performance.now() - beganMs
  globalThis.gc?.()
  const before = process.memoryUsage().arrayBuffers
  const ask = { anyOf: [[tokenName('subject', 'oauth', 'user-1')]], handles: [], after: undefined, limit: 1 }
  while ((await store.tokensNamed(realm.ordinal, ask)) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 20))
  const wholeMs = performance.now() - beganMs
  globalThis.gc?.()
  const bytes = process.memoryUsage().arrayBuffers - before
  console.log(`opened after ${ms(openMs)}, the index whole after ${ms(wholeMs)}`)
  console.log(`index: ${(bytes / 1e6).toFixed(1)} MB of array buffers for ${tokens} tokens`)
  const subjects = Math.ceil(tokens / PER_SUBJECT)
  await previews(realm, 'a subject', (nth) => ({
    shape: 'subject',
    subject: `user-${(nth * 97) % subjects}`,
  }))
  await previews(realm, 'a client', (nth) => ({ shape: 'client', client: `client-${nth}` }))
  await realms.ledger.close()
  await store.close()
}

type Named = { readonly shape: 'subject' | 'client'; readonly subject?: string; readonly client?: string }

async function previews(realm: Realm, what: string, of: (nth: number) => Named): Promise<void> {
  const times: number[] = []
  let [most, complete] = [0, 0]
  for (let nth = 0; nth < PREVIEWS; nth += 1) {
    const { shape, ...ids } = of(nth)
    const target: Target = { kind: 'cut', shape, principals: { source: 'oauth', ...ids } }
    const beganMs = performance.now()
    const monotonicMs = (): number => performance.now()
    const asked = {
      resolved: { targets: [target] },
      deadlineMs: beganMs + 5_000,
      monotonicMs,
      wasUsed: async () => false,
    }
    const shown = await previewOf(realm, asked)
    times.push(performance.now() - beganMs)
    most = Math.max(most, shown.tokens)
    if (shown.complete) complete += 1
  }
  const sorted = Float64Array.from(times, (one) => one * 1_000)
  const at = (share: number): string => ms(percentile(sorted, share) / 1_000)
  console.log(
    `preview of ${what}: p50 ${at(0.5)}, p99 ${at(0.99)}; ${complete} of ${PREVIEWS} complete, ${most} tokens at most`,
  )
}

/** The only work that issuing does for the index, without everything else that issuing does. */
function putCost(): void {
  const index = new NameIndex()
  index.beginFill()
  index.endFill()
  const token = { source: 'oauth', scope: 'read', ancestors: [] }
  const count = 1_000_000
  const beganUs = process.cpuUsage()
  for (let row = 1; row <= count; row += 1)
    index.put(1 as never, row, {
      ...token,
      client: `client-${row % CLIENTS}`,
      subject: `user-${row % 22_000}`,
    } as never)
  const { user, system } = process.cpuUsage(beganUs)
  console.log(
    `putting a token: ${((user + system) / count).toFixed(2)} µs of CPU, ${(index.bytes / 1e6).toFixed(1)} MB for ${count}`,
  )
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
