import assert from 'node:assert/strict'
import type { Store } from '@rescind/authority'
import { ancestorOf, type TokenRecord, type TokensSought } from '@rescind/core'
import type { Clause } from './clause.ts'
import { bareToken, commit, handleAt, OTHER_REALM, put, putRecord, REALM, write, writeIn } from './samples.ts'

type Page = { readonly records: readonly TokenRecord[]; readonly next: number | undefined }

/** All handles that `read` yields, page by page. */
async function all(read: (after: number | undefined) => Promise<Page>): Promise<readonly string[]> {
  const found: string[] = []
  let after: number | undefined
  do {
    const { records, next } = await read(after)
    found.push(...records.map(({ handle }) => handle))
    after = next
  } while (after !== undefined)
  return found
}

function sought(store: Store, ids: TokensSought, limit = 1_000): Promise<readonly string[]> {
  return all((after) => store.tokens(REALM, { ...ids, after, limit }))
}

export function walksContract(clause: Clause): void {
  clause(
    'tokens are found by each of their ids, by several at once, and by no id of another, page by page',
    async ({ store }) => {
      const odd = 'o"\\\'%_,{}\u00e9\ud83d\ude00'
      const tokens: readonly TokenRecord[] = [
        { ...bareToken(0), subject: 's', client: 'c', tenant: 't' },
        { ...bareToken(1), subject: 's', source: 'oauth', session: 'x' },
        { ...bareToken(2), subject: odd, keyId: 'k' },
        // A claim may hold the same words without being an id.
        { ...bareToken(3), claims: { subject: 's', grant: bareToken(0).grant } },
        { ...bareToken(4), grant: bareToken(0).grant },
      ]
      await commit(
        store,
        write(...tokens.map(put)),
        writeIn(OTHER_REALM, put({ ...bareToken(9), subject: 's' })),
      )
      const cases: readonly (readonly [TokensSought, readonly number[]])[] = [
        [{}, [0, 1, 2, 3, 4]],
        [{ subject: 's' }, [0, 1]],
        [{ subject: 's', source: 'oauth' }, [1]],
        [{ subject: odd }, [2]],
        [{ subject: 'S' }, []],
        [{ client: 's' }, []],
        [{ tenant: 't', client: 'c' }, [0]],
        [{ session: 'x' }, [1]],
        [{ keyId: 'k' }, [2]],
        [{ handle: handleAt(3) }, [3]],
        [{ grant: bareToken(0).grant }, [0, 4]],
        [{ grant: bareToken(3).grant }, [3]],
        [{ oneOf: [{ subject: odd }, { client: 'c' }] }, [0, 2]],
        [{ source: 'oauth', oneOf: [{ subject: odd }, { subject: 's' }] }, [1]],
        [{ oneOf: [] }, []],
      ]
      for (const [ids, numbers] of cases) {
        for (const limit of [1, 2, 1_000])
          assert.deepEqual(await sought(store, ids, limit), numbers.map(handleAt), JSON.stringify(ids))
      }
    },
  )

  clause('tokens with ancestors are included in a search for one of several names', async ({ store }) => {
    const parent = { ...bareToken(0), subject: 's' }
    const child = { ...bareToken(1), subject: 'other', ancestors: [ancestorOf(parent)] }
    await commit(store, write(put(parent), put(child), put(bareToken(2))))
    assert.deepEqual(await sought(store, { oneOf: [{ subject: 's' }] }), [0, 1].map(handleAt))
    assert.deepEqual(await sought(store, { oneOf: [{ subject: 'nobody' }] }), [handleAt(1)])
    assert.deepEqual(await sought(store, { subject: 's' }), [handleAt(0)])
  })

  clause(
    'records between two ids are counted up to a limit, and the last one counted is returned',
    async ({ store }) => {
      const ids = ['a/1', 'a/2', 'a/3', 'a0', 'a', 'b/1']
      await commit(store, ...ids.map((id) => write(putRecord(id))))
      const count = (after: string, limit: number): Promise<unknown> =>
        store.recordsCounted(REALM, { collection: 'things', after, below: 'a0', limit })
      assert.deepEqual(await count('a/', 10), { count: 3, last: 'a/3' })
      assert.deepEqual(await count('a/', 2), { count: 2, last: 'a/2' })
      assert.deepEqual(await count('a/2', 2), { count: 1, last: 'a/3' })
      assert.deepEqual(await count('a/3', 2), { count: 0, last: undefined })
    },
  )
}
