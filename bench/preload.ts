import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Caller,
  callerFacts,
  mintText,
  PREFIX,
  putToken,
  type Realm,
  Realms,
  recordOf,
  revokeToken,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import { openSqlite } from '@rescind/stores'

const MASTER = Buffer.alloc(32, 9)
const LIFETIME_MS = 24 * 3_600_000
const BATCH = 1_000

export type Preload = { readonly folder: string; readonly live: number; readonly revoked: number }

/** Fills a store with live and revoked tokens, through the same writes as requests; the server then opens it. */
export async function preload({ folder, live, revoked }: Preload): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'master.key'), MASTER.toString('base64url'), { mode: 0o600 })
  const store = await openSqlite(join(folder, 'rescind.db'), Date.now())
  const realms = await Realms.open({
    store,
    master: { bytes: MASTER },
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    random: { bytes: (count) => randomBytes(count) },
    defer: (task) => setImmediate(task),
  })
  const realm = realms.default
  for (let done = 0; done < live; done += BATCH) await issue(realm, Math.min(BATCH, live - done))
  for (let done = 0; done < revoked; done += BATCH) {
    const records = await issue(realm, Math.min(BATCH, revoked - done))
    const caller = callerOf(realm)
    await Promise.all(records.map((record) => revokeToken(realm, record, { caller, how: 'bench' })))
  }
  await realms.ledger.close()
  await store.close()
}

async function issue(realm: Realm, count: number): Promise<readonly TokenRecord[]> {
  const at = { position: realm.position(), issuedAtMs: realm.nowMs() }
  const records = Array.from({ length: count }, () =>
    recordOf(
      realm,
      {
        raw: mintText(PREFIX.access, realm.random),
        kind: 'access',
        source: 'oauth',
        client: 'svc',
        subject: 'svc',
        scope: 'read',
        expiresAtMs: at.issuedAtMs + LIFETIME_MS,
      },
      at,
    ),
  )
  await realm.commit({ realm: realm.ordinal, dependsOn: [], expects: [], operations: records.map(putToken) })
  return records
}

function callerOf(realm: Realm): Caller {
  const facts = callerFacts({ source: 'oauth', client: 'svc' }, realm.position())
  return { id: 'oauth:svc', from: '127.0.0.1', dependency: { realm: realm.ordinal, facts } }
}
