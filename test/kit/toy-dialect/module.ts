import type { Realm } from '@rescind/authority'
import { jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import type { Digested } from '../../../server/bulk/secrets.ts'
import { wholeNumber } from '../../../server/config/parse.ts'
import { endpoint } from '../../../server/control/frame/endpoint.ts'
import { type DialectModule, dialectModule } from '../../../server/dialects/module.ts'
import type { FindPeople } from '../../../server/records/people.ts'
import { createAll, plan } from '../../../server/seed/create.ts'
import { id, secret, seedPart } from '../../../server/seed/parts.ts'
import { createToyDialect, TOY_PREFIX, TOY_SOURCE } from './dialect.ts'
import { TOY_USERS } from './users.ts'

const SETTINGS = {
  toyLifeSeconds: {
    fallback: '600',
    help: 'seconds for which a token of the toy dialect is good',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: 3_600 }),
    insecure: undefined,
  },
} as const

const SEED = seedPart({
  members: { toyUsers: z.array(z.strictObject({ name: id, key: secret })).default([]) },
  create: (realm, { toyUsers }, { reveal }) =>
    createAll(realm, toyUsers, ({ name, key }) =>
      plan({ collection: TOY_USERS, id: name }, () => ({
        name,
        keyDigest: realm.secretDigest(reveal(key, `toy user ${name}`)),
      })),
    ),
})

const LIST_USERS = endpoint({
  method: 'GET',
  path: '/toy-users',
  operation: 'listToyUsers',
  summary: 'Who can log in to the toy dialect',
  role: 'viewer',
  answers: { 200: { what: 'Their names', schema: z.strictObject({ names: z.array(z.string()) }) } },
  handle: async ({ realm }) => {
    const names: string[] = []
    for await (const { id: name } of realm.directory.all(TOY_USERS)) names.push(name)
    return jsonAnswer(200, { names })
  },
})

/** A toy user has only a name. */
const people: FindPeople = async (realm, { text }) => {
  const entry = await realm.directory.readable(TOY_USERS, text)
  const user = { kind: 'toyUser', source: TOY_SOURCE, by: ['name'], isDisabled: false } as const
  const found = entry === undefined ? [] : [{ ...user, id: entry.id, named: { subject: entry.id } }]
  return { people: found, sources: [TOY_SOURCE], missed: [] }
}

async function* keys(realm: Realm): AsyncGenerator<Digested, void> {
  for await (const { value } of realm.directory.all(TOY_USERS))
    yield [value.keyDigest, { credential: 'toyKey', endedBy: `nothing ends the key of ${value.name}` }]
}

/** A fourth dialect, unknown to every file of the server. It shows what a module must provide. */
export const TOY: DialectModule = dialectModule({
  name: 'toy',
  title: 'Toy',
  sources: [{ form: TOY_SOURCE }],
  tokenKinds: ['access'],
  prefixes: [TOY_PREFIX],
  paths: ['/toy'],
  mount: (_parts, { toyLifeSeconds }) => ({ dialect: createToyDialect(toyLifeSeconds) }),
  seed: SEED,
  secrets: { all: keys },
  people,
  resources: [LIST_USERS],
  settings: SETTINGS,
})
