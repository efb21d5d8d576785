import type { Realm } from '@rescind/authority'
import { isObject, type Json } from '../wire/strict-json.ts'
import type { ClientPatch } from './client-body.ts'
import { type ChatClient, sourceOf } from './directory.ts'

type Patching = {
  readonly app: string
  readonly given: ClientPatch
  readonly before: ChatClient | undefined
}

/**
 * Replaces tokens in a patch by their handles. We store tokens as digests only; one pasted into a nickname would be
 * stored in the clear. Unchanged values are not scanned again, because most sign-ins change nothing.
 */
export async function keptPatch(realm: Realm, { app, given, before }: Patching): Promise<ClientPatch> {
  const keep = (text: string): Promise<string> => realm.keptText(text, sourceOf(app))
  const { nickname, avatarUrl } = given.profile
  const profile = {
    ...given.profile,
    ...(nickname === undefined || nickname === before?.nickname ? {} : { nickname: await keep(nickname) }),
    ...(avatarUrl === undefined || avatarUrl === before?.avatarUrl
      ? {}
      : { avatarUrl: await keep(avatarUrl) }),
  }
  const members: [string, Json][] = []
  for (const [name, value] of Object.entries(given.members)) {
    const wasThere = before !== undefined && Object.hasOwn(before.members, name)
    const isOld = wasThere && JSON.stringify(value) === JSON.stringify(before.members[name])
    members.push([wasThere ? name : await keep(name), isOld ? value : await kept(value, keep)])
  }
  return { ...given, profile, members: Object.fromEntries(members) }
}

async function kept(value: Json, keep: (text: string) => Promise<string>): Promise<Json> {
  if (typeof value === 'string') return keep(value)
  if (Array.isArray(value)) {
    const list: Json[] = []
    for (const one of value as readonly Json[]) list.push(await kept(one, keep))
    return list
  }
  if (!isObject(value)) return value
  const members: [string, Json][] = []
  for (const [name, member] of Object.entries(value))
    members.push([await keep(name), await kept(member, keep)])
  return Object.fromEntries(members)
}
