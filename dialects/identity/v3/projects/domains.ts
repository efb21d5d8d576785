import type { Entry } from '@rescind/authority'
import { defined } from '@rescind/core/bytes'
import type { Answer, Stale } from '../../../wire/answer.ts'
import { untilFresh } from '../../../wire/dialect.ts'
import type { Call, Reply } from '../../call.ts'
import { created, deleted, put } from '../../directory/changes.ts'
import { domainByName, IDENTITY_DOMAINS, type IdentityDomain } from '../../directory/domains.ts'
import { DEFAULT_DOMAIN } from '../../directory/names.ts'
import { IDENTITY_USERS } from '../../directory/users.ts'
import { mayEnable } from '../../session/guarded.ts'
import { type Acting, asActing } from '../acting.ts'
import { conflict, forbidden, malformed, missing, NO_CONTENT, success } from '../answers.ts'
import { type Fields, fieldsOf, readEntity } from '../entity.ts'
import { isFlagged, isNamed, listAsk, listBody, pageOf } from '../paging.ts'
import { domainJson } from '../record-json.ts'
import { governs, governsDomain, readsAll } from '../scopes/power.ts'
import { newId, written } from '../writing.ts'
import { domainEntry } from './domain-lookup.ts'

const FIELDS = { name: 'text', description: 'long', enabled: 'flag' } as const
type ParsedFields = Fields<typeof FIELDS>

/** `GET /v3/domains`: all, or the one that the caller governs. */
export function listDomains(call: Call): Promise<Answer> {
  const ask = listAsk(call.request)
  return untilFresh(() =>
    asActing(call, async ({ power }) => {
      if (ask.kind === 'malformed') return malformed(ask.detail)
      if (!readsAll(power) && power.kind !== 'domain') return forbidden()
      const fits = (domain: IdentityDomain): boolean =>
        (readsAll(power) || governsDomain(power, domain.id)) &&
        isNamed(ask, 'name', domain.name) &&
        isFlagged(ask, 'enabled', domain.enabled)
      const byDefault = await domainEntry(call.realm, DEFAULT_DOMAIN)
      const beside = byDefault?.version === 0 ? [byDefault.value] : []
      const { values, next } = await pageOf(call.realm, IDENTITY_DOMAINS, { ask, fits, beside })
      return success(200, listBody(call.request, 'domains', { items: values.map(domainJson(call)), next }))
    }),
  )
}

/** `GET /v3/domains/{id}`. */
export function showDomain(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asSeen(call, id, (_, { value }) => success(200, { domain: domainJson(call)(value) })),
  )
}

/** `POST /v3/domains`. */
export function createDomain(call: Call): Promise<Answer> {
  return untilFresh(() =>
    asActing(call, async (acting) => {
      if (acting.power.kind !== 'system') return forbidden()
      const parsed = readFields(call)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const { name } = parsed.fields
      if (name === undefined) return malformed('"name" is missing.')
      if ((await domainByName(call.realm, name)) !== undefined) return conflict('Another one has this name.')
      const domain = withFields({ id: newId(call.realm), name, enabled: true }, parsed.fields)
      return written(call, {
        acting,
        how: 'identity.v3.domain.create',
        changes: [created('domain', domain.id, { after: domain })],
        done: () => success(201, { domain: domainJson(call)(domain) }),
      })
    }),
  )
}

/** `PATCH /v3/domains/{id}`: `enabled: false` ends its users' tokens and those scoped to it and its projects. */
export function updateDomain(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedDomain(call, id, async (acting, entry) => {
      const parsed = readFields(call, id)
      if (parsed.kind === 'malformed') return malformed(parsed.detail)
      const domain = withFields(entry.value, parsed.fields)
      if (entry.value.enabled && !domain.enabled && (await holdsHigher(call, acting, id))) return forbidden()
      if (!mayEnable(acting.context, entry.value, domain)) return forbidden()
      const named = await domainByName(call.realm, domain.name)
      if (named !== undefined && named.id !== id) return conflict('Another one has this name.')
      const state = await call.realm.directory.state(IDENTITY_DOMAINS, id)
      return written(call, {
        acting,
        how: 'identity.v3.domain.update',
        changes: [put('domain', id, { state, after: domain })],
        done: () => success(200, { domain: { ...domainJson(call)(domain), extra: {} } }),
      })
    }),
  )
}

/** `DELETE /v3/domains/{id}` with everything in it. It must be disabled first, to prevent accidents. */
export function deleteDomain(call: Call, [id = '']: readonly string[]): Promise<Answer> {
  return untilFresh(() =>
    asGovernedDomain(call, id, async (acting, entry) => {
      if (id === DEFAULT_DOMAIN) return forbidden('The default domain cannot be deleted.')
      if (entry.value.enabled || entry.version === 0)
        return forbidden('Cannot delete a domain that is enabled, please disable it first.')
      if (await holdsHigher(call, acting, id)) return forbidden()
      return written(call, {
        acting,
        how: 'identity.v3.domain.delete',
        changes: [deleted('domain', entry)],
        done: () => NO_CONTENT,
      })
    }),
  )
}

/** Whether a domain has a user whom the caller does not govern, and whose tokens closing it would end. */
async function holdsHigher({ realm }: Call, { power }: Acting, id: string): Promise<boolean> {
  for await (const { value } of realm.directory.listed(IDENTITY_USERS, { name: 'domain', value: id }))
    if (!governs(power, value)) return true
  return false
}

type DomainAct = (acting: Acting, entry: Entry<IdentityDomain>) => Reply

/** Goes on with a domain that the caller may see: its own, or one that it governs or may read. */
function asSeen(call: Call, id: string, next: DomainAct): Reply {
  return asActing(call, async (acting): Promise<Answer | Stale> => {
    const { context, power } = acting
    const isSeen = id === context.user.domainId || readsAll(power) || governsDomain(power, id)
    const entry = isSeen ? await domainEntry(call.realm, id) : undefined
    return entry === undefined ? missing('domain') : next(acting, entry)
  })
}

/** Only callers with system power change domains. */
function asGovernedDomain(call: Call, id: string, next: DomainAct): Reply {
  return asSeen(call, id, (acting, entry) =>
    acting.power.kind === 'system' ? next(acting, entry) : forbidden(),
  )
}

function readFields({ request }: Call, pathId?: string): ReturnType<typeof fieldsOf<typeof FIELDS>> {
  const read = readEntity(request, 'domain', pathId)
  return read.kind === 'malformed' ? read : fieldsOf<typeof FIELDS>(read.body, FIELDS)
}

function withFields(domain: IdentityDomain, { name, enabled, description }: ParsedFields): IdentityDomain {
  const { description: old, ...rest } = domain
  const text = description === undefined ? old : (description ?? '')
  return {
    ...rest,
    name: name ?? domain.name,
    enabled: enabled ?? domain.enabled,
    ...defined({ description: text }),
  }
}
