import type { Realm } from '@rescind/authority'
import type { RawToken } from '@rescind/core/tokens'
import type { Answer } from '../wire/answer.ts'
import type { WireRequest } from '../wire/request.ts'
import type { Json } from '../wire/strict-json.ts'
import { parseToken, readObject } from './body.ts'
import type { Handler } from './call.ts'
import { appOfClientCall } from './callers.ts'
import { sourceOf } from './directory.ts'
import { fail, ok, tooMany } from './envelope.ts'
import type { ChatTools } from './tools.ts'
import { isActive } from './user.ts'

/** Tokens per call. */
export const BADGE_TOKENS_MAX = 100

/**
 * `POST /badges/`: the client of each live token in a list. Unread messages are counted by the chat server, not here,
 * so every badge is 0. Tokens that are not live are left out.
 */
export function createBadges(tools: ChatTools): Handler {
  const { rates } = tools
  return async (realm, request) => {
    const who = await appOfClientCall({ tools, realm, request })
    if (who.kind === 'refused') return who.answer
    const seconds = who.byApiKey
      ? rates.takeAdmin(realm, who.app)
      : rates.takePublic(realm, who.app, request.from)
    return seconds === 0 ? badges(realm, who.app.name, request) : tooMany(seconds)
  }
}

async function badges(realm: Realm, app: string, request: WireRequest): Promise<Answer> {
  const body = readObject(request)
  if (body.kind === 'refused') return body.answer
  const { tokens, ...others } = body.members
  if (!Array.isArray(tokens) || Object.keys(others).length > 0)
    return fail('INVALID_REQUEST', 'The body holds tokens, a list, and nothing else.')
  if (tokens.length > BADGE_TOKENS_MAX)
    return fail('INVALID_REQUEST', `One call takes at most ${BADGE_TOKENS_MAX} tokens.`)
  const data: unknown[] = []
  for (const token of tokens as readonly Json[]) {
    const parsed = parseToken(token)
    if (parsed.kind === 'refused') return parsed.answer
    const { raw } = parsed
    const owner = raw === undefined ? undefined : await ownerOf(realm, app, raw)
    if (raw !== undefined && owner !== undefined) data.push({ token: raw.reveal(), client: owner, badge: 0 })
  }
  return ok({ data })
}

async function ownerOf(realm: Realm, app: string, raw: RawToken): Promise<string | undefined> {
  const { verdict, record } = await realm.find(raw, sourceOf(app))
  return isActive(verdict) ? record?.client : undefined
}
