import assert from 'node:assert/strict'
import {
  type EndingAsk,
  type EndingCursor,
  type ExpiredPlace,
  type Operation,
  type Store,
  storedKind,
} from '@rescind/authority'
import type { TokenRecord } from '@rescind/core'
import type { Clause } from './clause.ts'
import {
  asRecord,
  bareToken,
  commit,
  comparable,
  deleteRecord,
  forget,
  handleAt,
  NOW_MS,
  OTHER_REALM,
  put,
  putRecord,
  REALM,
  SOURCE,
  write,
  writeIn,
} from './samples.ts'

export function pagingContract(clause: Clause): void {
  pagesOfRecords(clause)
  pagesOfTokens(clause)
  placesBetweenPages(clause)
  expiry(clause)
  endings(clause)
}

function pagesOfRecords(clause: Clause): void {
  clause(
    'live records come by id, page by page, without deleted ones and without repetition',
    async ({ store }) => {
      const ids = ['b', 'a', 'e', 'd', 'c', 'aa', 'B', '10', '9']
      await commit(store, ...ids.map((id) => write(putRecord(id, { body: `"${id}"` }))))
      await commit(
        store,
        write(deleteRecord('d', 1)),
        write(putRecord('x', { collection: 'others' })),
        writeIn(OTHER_REALM, putRecord('z')),
      )
      for (const limit of [1, 3, 8, 100]) {
        const pages = await allRecords(store, limit)
        const all = pages.flat()
        assert.deepEqual(all, ['10', '9', 'B', 'a', 'aa', 'b', 'c', 'e'])
        assert.ok(pages.every((page) => page.length <= limit))
      }
      const page = await store.records(REALM, { collection: 'things', after: 'a', limit: 1 })
      assert.deepEqual(page.records.map(asRecord), [
        { collection: 'things', id: 'aa', version: 1, body: '"aa"' },
      ])
      const none = await store.records(REALM, { collection: 'nothing', after: undefined, limit: 10 })
      assert.deepEqual(none, { records: [], next: undefined })
    },
  )
}

async function allRecords(store: Store, limit: number): Promise<string[][]> {
  const pages: string[][] = []
  let after: string | undefined
  do {
    const page = await store.records(REALM, { collection: 'things', after, limit })
    pages.push(page.records.map(({ id }) => id))
    after = page.next
  } while (after !== undefined)
  return pages
}

function ofClient(number: number, over: Partial<TokenRecord> = {}): TokenRecord {
  return { ...bareToken(number), client: 'c', ...over }
}

async function allTokens(store: Store, limit: number): Promise<TokenRecord[][]> {
  const pages: TokenRecord[][] = []
  let after: number | undefined
  do {
    const page = await store.tokensOfClient(REALM, { source: SOURCE, client: 'c', after, limit })
    pages.push([...page.records])
    after = page.next
  } while (after !== undefined)
  return pages
}

function pagesOfTokens(clause: Clause): void {
  clause(
    'tokens of one client come complete, in commit order whatever their times, and no others',
    async ({ store }) => {
      const numbers = [5, 1, 4, 2, 3, 6, 0]
      const mine = numbers.map((number) =>
        ofClient(number, { issuedAtMs: NOW_MS - number, scope: `${number}` }),
      )
      await commit(
        store,
        write(...mine.slice(0, 2).map(put)),
        write(put(ofClient(20, { client: 'C' })), put(ofClient(21, { source: 'chat/acm' }))),
        write(put(bareToken(22))),
        writeIn(OTHER_REALM, put(ofClient(23))),
      )
      await commit(store, ...mine.slice(2).map((record) => write(put(record))))
      for (const limit of [1, 2, 7, 1_000]) {
        const pages = await allTokens(store, limit)
        assert.deepEqual(pages.flat().map(comparable), mine.map(comparable))
        assert.ok(pages.every((page) => page.length <= limit))
      }
      const none = await store.tokensOfClient(REALM, {
        source: SOURCE,
        client: 'd',
        after: undefined,
        limit: 9,
      })
      assert.deepEqual(none, { records: [], next: undefined })
    },
  )

  clause('the page with the last token of a client has no next one, full or not', async ({ store }) => {
    await commit(store, ...[0, 1, 2].map((number) => write(put(ofClient(number)))))
    const ask = { source: SOURCE, client: 'c' }
    for (const [after, limit, isLast] of [
      [undefined, 2, false],
      [undefined, 3, true],
      [undefined, 4, true],
    ] as const) {
      const { next } = await store.tokensOfClient(REALM, { ...ask, after, limit })
      assert.equal(next === undefined, isLast, String(limit))
    }
  })

  clause('1,500 tokens of one client come in pages of at most 1,000', async ({ store }) => {
    for (let group = 0; group < 6; group += 1) {
      const tokens = Array.from({ length: 250 }, (_, at) => ofClient(group * 250 + at))
      await commit(store, ...tokens.map((record) => write(put(record))))
    }
    const pages = await allTokens(store, 1_000)
    assert.deepEqual(
      pages.flat().map(({ handle }) => handle),
      Array.from({ length: 1_500 }, (_, at) => handleAt(at)),
    )
  })
}

function placesBetweenPages(clause: Clause): void {
  clause(
    'the place after a page stays valid when tokens before it are forgotten or extended, or new ones are put',
    async ({ store }) => {
      await commit(store, ...[0, 1, 2, 3].map((number) => write(put(ofClient(number)))))
      const ask = { source: SOURCE, client: 'c', limit: 2 }
      const first = await store.tokensOfClient(REALM, { ...ask, after: undefined })
      const moved = { expiresAtMs: NOW_MS + 9, atMs: NOW_MS }
      await commit(
        store,
        write(forget(0, { tombstone: false })),
        write({ kind: 'extend-token', digest: bareToken(1).digest, source: 'oauth', ...moved }),
        write({ kind: 'extend-token', digest: bareToken(2).digest, source: 'oauth', ...moved }),
        write(put(ofClient(4))),
      )
      assert.notEqual(first.next, undefined)
      const rest = await store.tokensOfClient(REALM, { ...ask, limit: 9, after: first.next })
      assert.deepEqual(
        rest.records.map(({ handle }) => handle),
        [2, 3, 4].map(handleAt),
      )
    },
  )
}

function expiry(clause: Clause): void {
  clause(
    'expired tokens of all realms are found at or below a time, up to a limit, in their current state',
    async ({ store }) => {
      const at = (number: number, expiresAtMs: number): TokenRecord => ({ ...bareToken(number), expiresAtMs })
      await commit(
        store,
        write(put(at(1, 1_000)), put(at(2, 1_001)), put(at(3, 999)), put(at(4, 500))),
        writeIn(OTHER_REALM, put(at(1, 1_000)), put(at(5, 2_000))),
        write({
          kind: 'extend-token',
          digest: bareToken(3).digest,
          source: 'oauth',
          expiresAtMs: 3_000,
          atMs: 1,
        }),
        write(forget(4, { tombstone: true })),
      )
      const found = await store.expiredTokens(1_000, 100)
      assert.deepEqual(
        found.map(({ realm, record }) => [realm, record?.handle, record?.expiresAtMs]).sort(),
        [
          [REALM, handleAt(1), 1_000],
          [OTHER_REALM, handleAt(1), 1_000],
        ].sort(),
      )
      assert.deepEqual(comparable(found[0]?.record), comparable(at(1, 1_000)))
      assert.equal((await store.expiredTokens(5_000, 100)).length, 5)
      assert.equal((await store.expiredTokens(5_000, 2)).length, 2)
      assert.deepEqual(await store.expiredTokens(400, 100), [])
    },
  )

  clause(
    'what has expired is found page by page, each after a place that the last one gave',
    async ({ store }) => {
      const token = (number: number): Operation => put(bareToken(number, { expiresAtMs: 500 + (number % 3) }))
      const entry = (number: number): Operation => {
        const [id, expiresAtMs] = [`e${number}`, 500 + (number % 3)]
        return {
          kind: 'put-expiring',
          entry: { kind: storedKind('k'), id, value: Buffer.alloc(1), expiresAtMs },
        }
      }
      const numbers = Array.from({ length: 10 }, (_, at) => at + 1)
      for (const realm of [REALM, OTHER_REALM])
        await commit(store, ...numbers.map((at) => writeIn(realm, token(at), entry(at))))
      for (const read of [
        (limit: number, after?: ExpiredPlace) => store.expiredTokens(1_000, limit, after),
        (limit: number, after?: ExpiredPlace) => store.expiredEntries(1_000, limit, after),
      ]) {
        const all = (await read(100)).map(({ place }) => place)
        assert.equal(new Set(all).size, 20)
        const paged: ExpiredPlace[] = []
        for (let page = await read(3); page.length > 0; page = await read(3, paged.at(-1)))
          paged.push(...page.map(({ place }) => place))
        assert.deepEqual(paged, all)
      }
      const [first] = await store.expiredTokens(1_000, 1)
      assert.ok(first?.record !== undefined)
      const [second] = await store.expiredTokens(1_000, 1, first.place)
      const { digest, handle, source } = first.record
      const token1 = { digest, handle, source, tombstone: false }
      await commit(store, writeIn(first.realm, { kind: 'forget-token', token: token1 }))
      const [next] = await store.expiredTokens(1_000, 1, first.place)
      assert.equal(next?.place, second?.place, 'also after the place of one that is gone')
    },
  )
}

type Span = Omit<EndingAsk, 'limit' | 'after'> & { readonly afterMs: number }

async function allEndings(store: Store, { afterMs, ...span }: Span, limit: number): Promise<TokenRecord[][]> {
  const pages: TokenRecord[][] = []
  let after: EndingCursor | undefined = { endMs: afterMs }
  do {
    const page = await store.tokensEnding(REALM, { ...span, after, limit })
    pages.push([...page.records])
    after = page.next
  } while (after !== undefined)
  return pages
}

function endings(clause: Clause): void {
  const at = (number: number, expiresAtMs: number): TokenRecord => ({ ...bareToken(number), expiresAtMs })

  clause(
    'ending tokens of some sources come by expiry, after one time and up to another, in their current state',
    async ({ store }) => {
      const whole = { ...at(1, 1_003), client: 'c', scope: 's', sealed: Buffer.from([0, 255]) }
      await commit(
        store,
        write(put(whole), put(at(2, 1_001)), put(at(3, 1_002)), put(at(4, 1_000)), put(at(5, 1_004))),
        write(put(at(6, 1_002)), put(at(7, 5_000)), put({ ...at(8, 1_002), source: 'chat/acm' })),
        write(put({ ...at(9, 1_002), source: 'iss:"x",\'%' })),
        writeIn(OTHER_REALM, put(at(10, 1_002))),
        write({
          kind: 'extend-token',
          digest: bareToken(3).digest,
          source: 'oauth',
          expiresAtMs: 3_000,
          atMs: 1,
        }),
        write({
          kind: 'extend-token',
          digest: bareToken(7).digest,
          source: 'oauth',
          expiresAtMs: 1_002,
          atMs: 1,
        }),
        write(forget(6, { tombstone: true })),
      )
      const span = { sources: [SOURCE, 'chat/'], afterMs: 1_000, untilMs: 1_003 }
      for (const limit of [1, 2, 5, 1_000]) {
        const found = (await allEndings(store, span, limit)).flat()
        assert.deepEqual(
          found.map(({ handle }) => handle),
          [2, 7, 1].map(handleAt),
        )
        assert.deepEqual(comparable(found[2]), comparable(whole))
      }
      const handles = async (more: Partial<Span>): Promise<unknown> =>
        (await allEndings(store, { ...span, ...more }, 10)).flat().map(({ handle }) => handle)
      assert.deepEqual(await handles({ sources: [] }), [])
      assert.deepEqual(await handles({ sources: ['iss:"x",\'%'] }), [handleAt(9)])
      assert.deepEqual(await handles({ afterMs: 1_003, untilMs: 1_003 }), [])
      assert.deepEqual(await handles({ afterMs: 1_003, untilMs: 1_004 }), [handleAt(5)])
      assert.deepEqual(await handles({ afterMs: 0, untilMs: 1_000 }), [handleAt(4)])
    },
  )

  clause(
    '1,500 tokens that end in one millisecond come once each, no page looks at more than its limit, and a page may be empty',
    async ({ store }) => {
      for (let group = 0; group < 6; group += 1) {
        const tokens = Array.from({ length: 250 }, (_, nth) => at(group * 250 + nth, 1_000))
        await commit(store, ...tokens.map((record) => write(put(record))))
      }
      const span = { sources: [SOURCE], afterMs: 0, untilMs: 1_000 }
      for (const limit of [400, 750, 1_000]) {
        const pages = await allEndings(store, span, limit)
        assert.equal(new Set(pages.flat().map(({ handle }) => handle)).size, 1_500)
        assert.equal(pages.flat().length, 1_500)
        assert.ok(pages.every((page) => page.length <= limit))
      }
      const first = await store.tokensEnding(REALM, {
        sources: ['another'],
        after: { endMs: 0 },
        untilMs: 1_000,
        limit: 400,
      })
      assert.deepEqual([first.records, first.next?.endMs], [[], 1_000])
    },
  )
}
