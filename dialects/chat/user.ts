import type { Found, Realm } from '@rescind/authority'
import { freesText, isSuspended, StoreUnavailable, type TokenRecord, type Verdict } from '@rescind/core'
import { RawToken } from '@rescind/core/tokens'
import type { Answer, Stale } from '../wire/answer.ts'
import type { Handler, Presented } from './call.ts'
import { appOfClientCall } from './callers.ts'
import { CHAT_CLIENTS, type ChatClient, clientRecordId, sourceOf } from './directory.ts'
import { fail } from './envelope.ts'
import { readUserToken } from './headers.ts'
import type { ChatTools } from './tools.ts'

/** A live token with its client. `who`: the app, and the key that named it. */
export type User = Presented & {
  readonly record: TokenRecord & { readonly client: string }
  readonly client: { readonly version: number; readonly value: ChatClient }
}

export type UserAct = (realm: Realm, user: User) => Promise<Answer | Stale>

/** As `asUser`, but also for a suspended token: a logout during a hold must last when the hold is released. */
export function asLeaver(tools: ChatTools, act: UserAct): Handler {
  return asUser(tools, act, true)
}

/** Runs `act` for the holder of a live token of the app. Every other token gets the same 401. */
export function asUser(tools: ChatTools, act: UserAct, alsoHeld = false): Handler {
  return async (realm, request) => {
    const token = readUserToken(request)
    if (token.kind === 'refused') return token.answer
    const who = await appOfClientCall({ tools, realm, request })
    if (who.kind === 'refused') return who.answer
    const raw = token.text === undefined ? undefined : RawToken.parse(token.text)
    if (raw === undefined) return fail('INVALID_TOKEN')
    let found: Found | Answer | Stale = await realm.find(raw, sourceOf(who.app.name))
    if (tools.external !== undefined && who.app.verifyUrl !== undefined && mayBeVerifiedAgain(found))
      found = await tools.external.verify(realm, { who, request, raw })
    if (found === 'stale' || 'status' in found) return found
    const { record, verdict } = found
    const mayAct = (of: TokenRecord, judged: Verdict): boolean =>
      isActive(judged) || (alsoHeld && isMerelyHeld(realm, of, judged))
    if (!isOfClient(record) || !mayAct(record, verdict)) return fail('INVALID_TOKEN')
    const id = clientRecordId(who.app.name, record.client)
    const client = await realm.directory.get(CHAT_CLIENTS, id)
    // Judge again: a revocation may have come during the look-up.
    const judgedAgain = realm.judge(record)
    if (client === undefined || !mayAct(record, judgedAgain)) return fail('INVALID_TOKEN')
    if (isActive(judgedAgain)) realm.accepted(record)
    return await act(realm, { who, request, raw, record, client })
  }
}

function isOfClient(record: TokenRecord | undefined): record is User['record'] {
  return record?.client !== undefined
}

/** The token is unknown here, or known only by external verification and expired since. */
function mayBeVerifiedAgain({ verdict, record }: Found): boolean {
  if (record === undefined) return true
  if (verdict.kind !== 'inactive' || record.claims?.['outside'] !== true) return false
  return freesText(verdict)
}

/** Held and not expired. The verdict names the hold first. */
export function isMerelyHeld(realm: Realm, { expiresAtMs }: TokenRecord, verdict: Verdict): boolean {
  return isSuspended(verdict) && expiresAtMs > realm.nowMs()
}

/** @throws StoreUnavailable when the verdict is unknown, which is never an answer. */
export function isActive(verdict: Verdict): boolean {
  if (verdict.kind === 'unknown') throw new StoreUnavailable('this node does not know all revocations yet')
  return verdict.kind === 'active'
}
