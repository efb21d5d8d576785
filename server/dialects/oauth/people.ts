import type { Entry } from '@rescind/authority'
import { foldedName, OAUTH_CLIENTS, type OauthClient } from '@rescind/dialects'
import { compareAll, type FindPeople, type Person } from '../../records/people.ts'

const SOURCE = 'oauth'

/** Clients by id, and by name in any case. The dialect has no record of subjects: they are found by their tokens. */
export const findOauthClients: FindPeople = async (realm, { text, isOver }) => {
  const isMeant = (client: OauthClient): boolean => membersEqual(client, text).length > 0
  const compared = await compareAll(realm, OAUTH_CLIENTS, { fits: isMeant, isOver })
  const byId = compared.isWhole ? undefined : await realm.directory.readable(OAUTH_CLIENTS, text)
  const known = byId === undefined ? compared.entries : [...compared.entries, byId]
  const clients = new Map(known.map((entry) => [entry.id, personOf(entry, text)]))
  return { people: [...clients.values()], sources: [SOURCE], missed: compared.isWhole ? [] : [PARTLY] }
}

const PARTLY = {
  source: SOURCE,
  what: 'names of clients',
  why: 'there are too many clients to compare each one; their ids were looked up',
}

function membersEqual({ clientId, name }: OauthClient, text: string): Person['by'] {
  return [
    ...(clientId === text ? (['id'] as const) : []),
    ...(name !== undefined && foldedName(name) === foldedName(text) ? (['name'] as const) : []),
  ]
}

function personOf({ id, value }: Entry<OauthClient>, text: string): Person {
  return {
    kind: 'client',
    source: SOURCE,
    id,
    name: value.name,
    by: membersEqual(value, text),
    isDisabled: !value.enabled,
    named: { client: id },
    path: `/control/v1/clients/${encodeURIComponent(id)}`,
  }
}
