import type { Entry, Realm } from '@rescind/authority'
import {
  CHAT_APPS,
  CHAT_CLIENTS,
  type ChatApp,
  type ChatClient,
  chatClientRecordId,
  chatSource,
  foldedName,
  isChatClientId,
} from '@rescind/dialects'
import { compareAll, type FindPeople, listedUpTo, type Missed, type Person } from '../../records/people.ts'

/** Clients of every app by id, and by nickname in any case. Ids are compared as they are, like the dialect does. */
export const findChatClients: FindPeople = async (realm, { text, isOver }) => {
  const apps: ChatApp[] = []
  for await (const { value } of realm.directory.all(CHAT_APPS)) apps.push(value)
  if (apps.length === 0) return { people: [], sources: [], missed: [] }
  const isMeant = (client: ChatClient): boolean => membersEqual(client, text).length > 0
  const compared = await compareAll(realm, CHAT_CLIENTS, { fits: isMeant, isOver })
  const known = compared.isWhole
    ? compared.entries
    : [...compared.entries, ...(await lookedUp(realm, apps, text))]
  const disabled = new Set(apps.filter((app) => app.disabled === true).map(({ name }) => name))
  const people = new Map(known.map((entry) => [entry.id, personOf(entry, text, disabled)]))
  return {
    people: [...people.values()],
    sources: apps.map(({ name }) => chatSource(name)),
    missed: compared.isWhole ? [] : apps.map(({ name }) => partly(name)),
  }
}

function partly(app: string): Missed {
  return {
    source: chatSource(app),
    what: 'nicknames of clients that an earlier version wrote',
    why: 'there are too many clients to compare each one; ids, and nicknames since then, were looked up',
  }
}

async function lookedUp(
  realm: Realm,
  apps: readonly ChatApp[],
  text: string,
): Promise<readonly Entry<ChatClient>[]> {
  const single: Entry<ChatClient>[] = []
  for (const { name } of isChatClientId(text) ? apps : []) {
    const entry = await realm.directory.readable(CHAT_CLIENTS, chatClientRecordId(name, text))
    if (entry !== undefined) single.push(entry)
  }
  const listed = { name: 'nickname', value: foldedName(text) }
  return [...single, ...(await listedUpTo(realm, CHAT_CLIENTS, listed))]
}

function membersEqual({ id, nickname }: ChatClient, text: string): Person['by'] {
  return [
    ...(id === text ? (['id'] as const) : []),
    ...(nickname !== undefined && foldedName(nickname) === foldedName(text) ? (['name'] as const) : []),
  ]
}

function personOf({ value }: Entry<ChatClient>, text: string, disabled: ReadonlySet<string>): Person {
  const { app, id, nickname } = value
  return {
    kind: 'client',
    source: chatSource(app),
    id,
    name: nickname,
    by: membersEqual(value, text),
    isDisabled: disabled.has(app),
    named: { client: id },
    path: `/control/v1/chat-apps/${encodeURIComponent(app)}/clients/${encodeURIComponent(id)}`,
  }
}
