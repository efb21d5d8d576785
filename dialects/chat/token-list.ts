import type { Realm, TokenPage } from '@rescind/authority'
import { formatInstant } from '@rescind/core/bytes'
import type { Answer } from '../wire/answer.ts'
import type { AdminAsk } from './call.ts'
import { listParts, streamed } from './ended-list.ts'
import { fail, ok } from './envelope.ts'
import { readQuery, wholeNumber } from './query.ts'
import { unsealed } from './token-record.ts'

/** Tokens per page. Unsealing a token takes longer than reading it. */
const PAGE = 50
/** Random bytes of a text made for a caller; fewer could be guessed. */
const TEXT_BYTES = { min: 16, max: 256, usual: 16 }

/** `GET /auths/token`: random text, not bound yet, for an app's server to assign. */
export async function makeText(realm: Realm, { request }: AdminAsk): Promise<Answer> {
  const query = readQuery(request, ['size'])
  if (query.kind === 'refused') return query.answer
  const size = wholeNumber(query.values.get('size'), TEXT_BYTES)
  if (size === undefined)
    return fail('INVALID_REQUEST', `size is a number of bytes from ${TEXT_BYTES.min} to ${TEXT_BYTES.max}.`)
  return ok({ token: realm.random.bytes(size).toString('hex') })
}

/** `GET /auths/tokens`: every live token of the app, oldest first. It is streamed page by page, so the total comes last. */
export async function listTokens(realm: Realm, { admin, request }: AdminAsk): Promise<Answer> {
  const query = readQuery(request, [])
  if (query.kind === 'refused') return query.answer
  return streamed(parts(realm, admin.source))
}

type Item = Readonly<Record<string, unknown>>

async function* parts(realm: Realm, source: string): AsyncGenerator<string, void> {
  let totalCount = 0
  async function* items(): AsyncGenerator<Item, void> {
    for (let after: number | undefined, more = true; more; more = after !== undefined) {
      const page: TokenPage = await realm.store.tokens(realm.ordinal, { source, after, limit: PAGE })
      for (const record of page.records) {
        if (realm.judge(record).kind !== 'active' || record.sealed === undefined) continue
        totalCount += 1
        const { handle, client, expiresAtMs } = record
        const dates = { expirationDate: formatInstant(expiresAtMs), expirationDateMS: expiresAtMs }
        yield { _id: handle, token: unsealed(realm, record).reveal(), client, ...dates, id: handle }
      }
      after = page.next
    }
  }
  yield* listParts('{"RC":0,"RM":"OK","result":{"data":[', items())
  yield `],"totalCount":${totalCount}}}`
}
