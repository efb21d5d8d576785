import assert from 'node:assert/strict'
import { LAST_INSTANT_MS, position, type TokenRecord } from '@rescind/core'
import type { Clause } from './clause.ts'
import {
  append,
  applied,
  bareToken,
  commit,
  comparable,
  conflict,
  consume,
  digestAt,
  forget,
  handleAt,
  hex,
  NOW_MS,
  OTHER_REALM,
  put,
  REALM,
  write,
  writeIn,
} from './samples.ts'

const LAST_MS = LAST_INSTANT_MS

/** A token with every member set. */
function fullToken(number: number): TokenRecord {
  return {
    ...bareToken(number),
    kind: 'refresh',
    source: 'iss:https://idp.example/é?a=1',
    subject: 'Zoë \u{1f511} 名前',
    client: 'client "quoted" \\ and \'single\'',
    tenant: '77',
    session: 'ses-\u0001',
    keyId: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs',
    ancestors: [
      {
        handle: handleAt(901),
        source: 'oauth',
        subject: 's',
        client: 'c',
        tenant: 't',
        position: position(8_191, 2 ** 40 - 1),
        issuedAtMs: LAST_MS,
        expiresAtMs: LAST_MS,
      },
      { handle: handleAt(902), source: 'identity', position: position(1, 0), issuedAtMs: 0, expiresAtMs: 1 },
    ],
    position: position(8_191, 2 ** 40 - 1),
    issuedAtMs: LAST_MS - 2,
    notBeforeMs: LAST_MS - 1,
    expiresAtMs: LAST_MS,
    extendedAtMs: NOW_MS + 1,
    scope: 'read write:all',
    audience: ['https://api.example', ''],
    authenticatedBy: ['password', 'totp'],
    claims: { text: 'é\u{1f511}\n', nested: { list: [1, -0.5, true, null, 'x'] }, empty: {}, __proto__x: 1 },
    sealed: Buffer.from(Array.from({ length: 300 }, (_, at) => at % 256)),
  }
}

export function tokenContract(clause: Clause): void {
  roundTrip(clause)
  insertOnce(clause)
  extension(clause)
  consumption(clause)
  forgetting(clause)
}

function roundTrip(clause: Clause): void {
  clause(
    '[G12] a token is read back unchanged by digest and by handle, and absent members stay absent',
    async ({ store }) => {
      const records = [fullToken(1), bareToken(2), { ...bareToken(3), subject: '' }, optional(4)]
      const outcome = await commit(store, ...records.map((record) => write(put(record))))
      assert.deepEqual(
        outcome.outcomes,
        records.map(() => applied(0)),
      )
      for (const record of records) {
        const byDigest = await store.tokenByDigest(REALM, record.digest)
        const byHandle = await store.tokenByHandle(REALM, record.handle)
        assert.deepEqual(comparable(byDigest), comparable(record))
        assert.deepEqual(comparable(byHandle), comparable(record))
      }
    },
  )

  clause(
    'a token of one realm does not exist in another, and may exist there independently',
    async ({ store }) => {
      await commit(store, write(put(bareToken(1))))
      assert.equal(await store.tokenByDigest(OTHER_REALM, digestAt(1)), undefined)
      assert.equal(await store.tokenByHandle(OTHER_REALM, handleAt(1)), undefined)
      const twin: TokenRecord = { ...bareToken(1), scope: 'elsewhere' }
      const { outcomes } = await commit(store, writeIn(OTHER_REALM, put(twin)))
      assert.deepEqual(outcomes, [applied(0)])
      assert.equal((await store.tokenByDigest(OTHER_REALM, digestAt(1)))?.scope, 'elsewhere')
      assert.equal((await store.tokenByDigest(REALM, digestAt(1)))?.scope, undefined)
    },
  )

  clause('what was never put is not found', async ({ store }) => {
    assert.equal(await store.tokenByDigest(REALM, digestAt(1)), undefined)
    assert.equal(await store.tokenByHandle(REALM, handleAt(1)), undefined)
    assert.equal(await store.consumption(REALM, handleAt(1)), undefined)
    assert.equal(await store.isTombstone(REALM, digestAt(1)), false)
  })
}

/** Every second optional member is set: a test for each one alone would be many. */
function optional(number: number): TokenRecord {
  const { subject, tenant, notBeforeMs, audience } = fullToken(number)
  return {
    ...bareToken(number),
    ...(subject === undefined ? {} : { subject }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(notBeforeMs === undefined ? {} : { notBeforeMs }),
    ...(audience === undefined ? {} : { audience }),
  }
}

function insertOnce(clause: Clause): void {
  clause(
    '[D13] a token is inserted once: the same digest, or the same handle, is a conflict and changes nothing',
    async ({ store }) => {
      await commit(store, write(put(bareToken(1))))
      const sameDigest: TokenRecord = { ...bareToken(2), digest: digestAt(1), scope: 'thief' }
      const sameHandle: TokenRecord = { ...bareToken(3), handle: handleAt(1), scope: 'thief' }
      const both: TokenRecord = { ...bareToken(1), scope: 'thief' }
      for (const record of [sameDigest, sameHandle, both]) {
        const { outcomes } = await commit(store, write(put(record)))
        assert.deepEqual(outcomes, [conflict('token-exists')])
      }
      assert.deepEqual(await store.tokenByDigest(REALM, digestAt(1)), bareToken(1))
      assert.deepEqual(await store.tokenByHandle(REALM, handleAt(1)), bareToken(1))
      assert.equal(await store.tokenByHandle(REALM, handleAt(2)), undefined)
      assert.equal(await store.tokenByDigest(REALM, digestAt(3)), undefined)
    },
  )
}

function extension(clause: Clause): void {
  clause('[H01] an extension moves the expiry and its time, and nothing else', async ({ store }) => {
    const record = { ...fullToken(1), kind: 'assigned', expiresAtMs: NOW_MS + 1 } as const
    await commit(store, write(put(record)))
    const extend = {
      kind: 'extend-token',
      digest: record.digest,
      source: record.source,
      expiresAtMs: LAST_MS,
      atMs: NOW_MS,
    } as const
    const { outcomes } = await commit(store, write(append(), extend))
    assert.deepEqual(outcomes, [applied(1)])
    const expected = { ...record, expiresAtMs: LAST_MS, extendedAtMs: NOW_MS }
    assert.deepEqual(comparable(await store.tokenByDigest(REALM, record.digest)), comparable(expected))
    assert.deepEqual(comparable(await store.tokenByHandle(REALM, record.handle)), comparable(expected))
  })

  clause('an extension of a token that is not there is a conflict', async ({ store }) => {
    await commit(store, writeIn(OTHER_REALM, put(bareToken(1))))
    const { outcomes } = await commit(
      store,
      write({
        kind: 'extend-token',
        digest: digestAt(1),
        source: 'oauth',
        expiresAtMs: LAST_MS,
        atMs: NOW_MS,
      }),
    )
    assert.deepEqual(outcomes, [conflict('token-missing')])
    assert.equal((await store.tokenByDigest(OTHER_REALM, digestAt(1)))?.extendedAtMs, undefined)
  })
}

function consumption(clause: Clause): void {
  clause(
    'a single-use token is consumed once, in one group or several, and keeps the first answer',
    async ({ store }) => {
      const answer = Buffer.from([0, 255, 7])
      const { outcomes } = await commit(
        store,
        write(consume(1, answer)),
        write(consume(1, Buffer.from('second'))),
        write(consume(2)),
      )
      assert.deepEqual(outcomes, [applied(0), conflict('consumed'), applied(0)])
      const again = await commit(store, write(consume(1)), write(consume(2, answer)))
      assert.deepEqual(again.outcomes, [conflict('consumed'), conflict('consumed')])
      const first = await store.consumption(REALM, handleAt(1))
      const second = await store.consumption(REALM, handleAt(2))
      assert.deepEqual([first?.handle, hex(first?.sealed)], [handleAt(1), '00ff07'])
      assert.deepEqual([second?.handle, second?.sealed], [handleAt(2), undefined])
      assert.equal(await store.consumption(OTHER_REALM, handleAt(1)), undefined)
      const handles = [1, 2, 3].map(handleAt)
      assert.deepEqual([...(await store.consumed(REALM, handles))].sort(), handles.slice(0, 2).sort())
      assert.equal((await store.consumed(OTHER_REALM, handles)).size, 0)
      assert.equal((await store.consumed(REALM, [])).size, 0)
    },
  )

  clause(
    'exactly one of 64 writes in a group that consume one token and put a successor is applied',
    async ({ store }) => {
      const writes = Array.from({ length: 64 }, (_, at) => write(put(bareToken(100 + at)), consume(1)))
      const { outcomes } = await commit(store, ...writes)
      assert.deepEqual(outcomes, [applied(0), ...new Array(63).fill(conflict('consumed'))])
      const found = await Promise.all(writes.map((_, at) => store.tokenByDigest(REALM, digestAt(100 + at))))
      assert.equal(found.filter((record) => record !== undefined).length, 1)
    },
  )
}

function forgetting(clause: Clause): void {
  clause(
    'forgetting removes the token and its consumption; only a tombstone stays, if requested',
    async ({ store }) => {
      await commit(store, write(put(bareToken(1)), consume(1)), write(put(bareToken(2))))
      const { outcomes } = await commit(
        store,
        write(forget(1, { tombstone: false })),
        write(forget(2, { tombstone: true })),
      )
      assert.deepEqual(outcomes, [applied(0), applied(0)])
      for (const number of [1, 2]) {
        assert.equal(await store.tokenByDigest(REALM, digestAt(number)), undefined)
        assert.equal(await store.tokenByHandle(REALM, handleAt(number)), undefined)
        assert.equal(await store.consumption(REALM, handleAt(number)), undefined)
      }
      assert.equal(await store.isTombstone(REALM, digestAt(1)), false)
      assert.equal(await store.isTombstone(REALM, digestAt(2)), true)
      assert.equal(await store.isTombstone(OTHER_REALM, digestAt(2)), false)
      assert.deepEqual((await commit(store, write(put(bareToken(1))))).outcomes, [applied(0)])
    },
  )

  clause('tombstones are counted by realm and source, up to a limit and no further', async ({ store }) => {
    await commit(store, ...[1, 2, 3].map((number) => write(put(bareToken(number)))))
    const { source } = bareToken(1)
    assert.equal(await store.tombstones(REALM, { source, limit: 9 }), 0)
    await commit(store, write(forget(1, { tombstone: true })), write(forget(2, { tombstone: false })))
    await commit(store, write(forget(3, { tombstone: true })))
    for (const [limit, count] of [
      [1, 1],
      [2, 2],
      [3, 2],
    ] as const)
      assert.equal(await store.tombstones(REALM, { source, limit }), count)
    assert.equal(await store.tombstones(REALM, { source: 'another', limit: 9 }), 0)
    assert.equal(await store.tombstones(OTHER_REALM, { source, limit: 9 }), 0)
  })

  clause(
    'forgetting an unknown token, or one with another handle by now, is a conflict and changes nothing',
    async ({ store }) => {
      await commit(store, write(put({ ...bareToken(1), handle: handleAt(9) })))
      const { outcomes } = await commit(
        store,
        write(forget(1, { tombstone: true })),
        write(forget(2, { tombstone: true })),
      )
      assert.deepEqual(outcomes, [conflict('token-missing'), conflict('token-missing')])
      assert.notEqual(await store.tokenByDigest(REALM, digestAt(1)), undefined)
      assert.equal(await store.isTombstone(REALM, digestAt(1)), false)
      assert.equal(await store.isTombstone(REALM, digestAt(2)), false)
    },
  )
}
