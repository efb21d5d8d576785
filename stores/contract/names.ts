import assert from 'node:assert/strict'
import type { NamedTokensAsk, Operation, Store } from '@rescind/authority'
import {
  bearsNames,
  NAMES_UNKNOWN,
  type SoughtNames,
  type TokenName,
  tokenName,
} from '@rescind/authority/names'
import { ancestorOf, grantOf, type TokenRecord, unreachable } from '@rescind/core'
import fc from 'fast-check'
import type { Clause } from './clause.ts'
import {
  bareToken,
  commit,
  digestAt,
  forget,
  handleAt,
  NOW_MS,
  OTHER_REALM,
  put,
  REALM,
  SOURCE,
  write,
  writeIn,
} from './samples.ts'

/** Handles of all tokens that bear the names, page by page. */
export async function named(store: Store, sought: SoughtNames, limit = 1_000): Promise<readonly string[]> {
  const found: string[] = []
  let after: number | undefined
  do {
    const page = await pageNamed(store, { ...sought, after, limit })
    found.push(...page.records.map(({ handle }) => handle))
    after = page.next
  } while (after !== undefined)
  return found
}

async function pageNamed(
  store: Store,
  ask: NamedTokensAsk,
): Promise<{ readonly records: readonly TokenRecord[]; readonly next: number | undefined }> {
  const page = await store.tokensNamed(REALM, ask)
  assert.ok(page !== undefined, 'the index of a small store is ready')
  return page
}

function anyOf(...sets: readonly (readonly TokenName[])[]): SoughtNames {
  return { anyOf: sets, handles: [] }
}

const subject = (value: string, source = SOURCE): TokenName => tokenName('subject', source, value)
const client = (value: string, source = SOURCE): TokenName => tokenName('client', source, value)

export function namesContract(clause: Clause): void {
  clause('tokens are found by each of their names, and by several at once', async ({ store }) => {
    const odd = 'o"\\\'%_,{}\u00e9\ud83d\ude00 \u0007'
    const tokens: readonly TokenRecord[] = [
      { ...bareToken(0), subject: 's', client: 'c', tenant: 't' },
      { ...bareToken(1), subject: 's', source: 'oauth', session: 'x' },
      { ...bareToken(2), subject: odd },
      { ...bareToken(3), claims: { subject: 's', grant: bareToken(0).grant } },
      { ...bareToken(4), grant: bareToken(0).grant, subject: 's' },
    ]
    await commit(
      store,
      write(...tokens.map(put)),
      writeIn(OTHER_REALM, put({ ...bareToken(9), subject: 's' })),
    )
    const cases: readonly (readonly [SoughtNames, readonly number[]])[] = [
      [anyOf([subject('s')]), [0, 4]],
      [anyOf([subject('s', 'oauth')]), [1]],
      [anyOf([subject('s')], [subject('s', 'oauth')]), [0, 1, 4]],
      [anyOf([subject('s'), client('c')]), [0]],
      [anyOf([subject('s'), client('other')]), []],
      [anyOf([subject(odd)]), [2]],
      [anyOf([subject('S')], [client('s')]), []],
      [anyOf([tokenName('tenant', SOURCE, 't'), client('c')], [subject(odd)]), [0, 2]],
      [anyOf([tokenName('session', 'oauth', 'x')]), [1]],
      [{ anyOf: [[tokenName('grant', SOURCE, bareToken(0).grant)]], handles: [handleAt(0)] }, [0, 4]],
      [{ anyOf: [], handles: [handleAt(3), 'tok_none'] }, [3]],
      [anyOf(), []],
      [anyOf([NAMES_UNKNOWN]), []],
    ]
    for (const [sought, numbers] of cases)
      for (const limit of [1, 2, 1_000])
        assert.deepEqual(await named(store, sought, limit), numbers.map(handleAt), JSON.stringify(sought))
  })

  clause('tokens are found by every name of each of their ancestors', async ({ store }) => {
    const parent: TokenRecord = {
      ...bareToken(0, { source: 'oauth', grant: grantOf(handleAt(7)) }),
      ...{ subject: 'ann', client: 'shop', tenant: 't', session: 'x' },
    }
    const foreign = { ...ancestorOf(bareToken(8)), source: 'iss:a', foreign: { jti: 'j', skewMs: 0 } }
    const child: TokenRecord = {
      ...bareToken(1, { subject: 'ben', client: 'desk' }),
      ancestors: [ancestorOf(parent), foreign],
    }
    await commit(store, write(put(parent), put(child), put(bareToken(2))))
    const oauth = (what: Parameters<typeof tokenName>[0], value: string): SoughtNames =>
      anyOf([tokenName(what, 'oauth', value)])
    for (const sought of [
      oauth('subject', 'ann'),
      oauth('client', 'shop'),
      oauth('tenant', 't'),
      oauth('session', 'x'),
      oauth('grant', parent.grant),
      anyOf([subject('ann', 'oauth'), client('shop', 'oauth')]),
      { ...oauth('handle', parent.handle), handles: [parent.handle] },
    ])
      assert.deepEqual(await named(store, sought), [0, 1].map(handleAt), JSON.stringify(sought))
    assert.deepEqual(await named(store, anyOf([tokenName('jti', 'iss:a', 'j')])), [handleAt(1)])
  })

  clause('pages of a name go on right while its tokens come and go', async ({ store }) => {
    const of = (number: number): Operation => put({ ...bareToken(number), subject: 's' })
    await commit(store, write(...[0, 1, 2, 3, 4].map(of)))
    const ask = { ...anyOf([subject('s')]), limit: 2 }
    const first = await pageNamed(store, { ...ask, after: undefined })
    assert.deepEqual(
      first.records.map(({ handle }) => handle),
      [0, 1].map(handleAt),
    )
    await commit(store, write(...[0, 2].map((number) => forget(number, { tombstone: false })), of(5)))
    const rest = await pageNamed(store, { ...ask, limit: 9, after: first.next })
    assert.deepEqual(
      rest.records.map(({ handle }) => handle),
      [3, 4, 5].map(handleAt),
    )
    assert.equal(rest.next, undefined)
    const scanned = await store.tokens(REALM, { subject: 's', after: first.next, limit: 9 })
    assert.deepEqual(scanned.records, rest.records, 'a place is the same for a search without the index')
  })

  clause('a write that conflicts gives no token a name', async ({ store }) => {
    await commit(store, write(put({ ...bareToken(0), subject: 's' })))
    const again = { ...bareToken(0), subject: 'other' }
    await commit(store, write(put({ ...bareToken(1), subject: 'other' }), put(again)), write(put(again)))
    assert.deepEqual(await named(store, anyOf([subject('other')])), [])
    await commit(store, write(put({ ...bareToken(1), subject: 's' })))
    assert.deepEqual(await named(store, anyOf([subject('s')])), [0, 1].map(handleAt))
  })

  clause('by names as many tokens are found as by reading all, whatever happened', async ({ store }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 1, maxLength: 40 }), async (steps) => {
        for (const step of steps) await take(store, step)
        await assertSame(store)
      }),
      { numRuns: 20 },
    )
  })
}

type PutStep = {
  readonly kind: 'put'
  readonly number: number
  readonly parent: number
  readonly who: number
}
type Step =
  | PutStep
  | { readonly kind: 'extend'; readonly number: number }
  | { readonly kind: 'forget'; readonly number: number }
  | { readonly kind: 'reopen' }

const NUMBERS = 30
const number = fc.nat(NUMBERS - 1)
const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put' as const), number, parent: number, who: fc.nat(5) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('forget' as const), number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('extend' as const), number }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
)

async function take(store: Store, step: Step): Promise<void> {
  switch (step.kind) {
    case 'reopen':
      return store.reopen()
    case 'forget':
      await commit(store, write(forget(step.number, { tombstone: false })))
      return
    case 'extend': {
      const to = { expiresAtMs: NOW_MS + 9_000_000, atMs: NOW_MS, source: SOURCE }
      await commit(store, write({ kind: 'extend-token', digest: digestAt(step.number), ...to }))
      return
    }
    case 'put':
      await commit(store, write(put(await tokenOf(store, step))))
      return
    default:
      unreachable(step)
  }
}

async function tokenOf(store: Store, { number, parent, who }: PutStep): Promise<TokenRecord> {
  const above = await store.tokenByHandle(REALM, handleAt(parent))
  const names = { subject: `s${who % 3}`, client: `c${who % 2}`, session: `x${who}` }
  return bareToken(number, {
    ...names,
    ...(who === 0 || above === undefined ? {} : { grant: above.grant }),
    ancestors: above === undefined ? [] : [ancestorOf(above), ...above.ancestors].slice(0, 8),
  })
}

async function assertSame(store: Store): Promise<void> {
  const { records } = await store.tokens(REALM, { after: undefined, limit: 1_000 })
  const names = ['s0', 's1', 's2'].map((one) => subject(one))
  const pairs = ['c0', 'c1'].map((one) => [subject('s1'), client(one)])
  const grants = records.map(({ grant }) => [tokenName('grant', SOURCE, grant)])
  const parents = records.map(({ handle }) => [tokenName('handle', SOURCE, handle)])
  for (const set of [...names.map((one) => [one]), ...pairs, ...grants, ...parents]) {
    const sought = anyOf(set)
    const expected = records.filter((record) => bearsNames(record, sought)).map(({ handle }) => handle)
    assert.deepEqual(await named(store, sought, 7), expected, set.join(' and '))
  }
}
