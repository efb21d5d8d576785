import type { Realm } from '@rescind/authority'
import { type Awaitable, after, type TokenRecord, unreachable } from '@rescind/core'
import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import { formatInstant } from '../../wire/iso-date.ts'
import type { Call } from '../call.ts'
import type { IdentityTenant } from '../directory/tenants.ts'
import { accountOf, type IdentityUser, userById } from '../directory/users.ts'
import { isSwitchedOn } from '../session/naming.ts'
import { catalogOf, serviceCatalog } from './catalog.ts'
import { VARY } from './faults.ts'
import { rolesOfToken, shownRoles } from './shown-roles.ts'

/** What an `access` document is made of. `id` is the token's text: from the caller's hand, or just minted. */
export type Shown = {
  readonly id: string
  readonly record: TokenRecord
  readonly user: IdentityUser
  readonly tenant: IdentityTenant | undefined
}

/** `with-catalog` after a login, `without-catalog` when a token was validated, as the vendor has it. */
export type AccessForm = 'with-catalog' | 'without-catalog'

export function accessAnswer(call: Call, shown: Shown, form: AccessForm): Awaitable<Answer> {
  return after(rolesOfToken(call.realm, shown.record, shown.user), (roles) =>
    after(impersonator(call.realm, shown.record), (impersonated) => {
      const user = userOf(shown.user, { roles, region: call.settings.region })
      const access = { token: tokenOf(shown), user, ...impersonated }
      return answerOf(call, { access, tenant: shown.tenant }, form)
    }),
  )
}

type Access = { readonly access: object; readonly tenant: IdentityTenant | undefined }

function answerOf(call: Call, { access, tenant }: Access, form: AccessForm): Awaitable<Answer> {
  switch (form) {
    case 'without-catalog':
      return jsonAnswer(200, { access }, VARY)
    case 'with-catalog': {
      if (!isSwitchedOn(call.request.query, 'include_endpoints')) return jsonAnswer(200, { access }, VARY)
      return catalogOf(call, tenant).then((entries) =>
        jsonAnswer(200, { access: { ...access, serviceCatalog: serviceCatalog(entries) } }, VARY),
      )
    }
    default:
      return unreachable(form)
  }
}

function tokenOf({ id, record, tenant }: Shown): object {
  const chain = record.claims?.['chain']
  return {
    id,
    expires: formatInstant(record.expiresAtMs),
    issued_at: formatInstant(record.issuedAtMs),
    ...(tenant === undefined ? {} : { tenant: { id: tenant.id, name: tenant.name } }),
    'RAX-AUTH:authenticatedBy': record.authenticatedBy ?? [],
    audit_ids: typeof chain === 'string' ? [record.handle, chain] : [record.handle],
  }
}

function userOf(
  user: IdentityUser,
  { roles, region }: { readonly roles: readonly object[]; readonly region: string },
): object {
  const account = accountOf(user)
  return {
    id: user.id,
    name: user.username,
    'RAX-AUTH:defaultRegion': user.defaultRegion ?? region,
    ...(account === undefined ? {} : { 'RAX-AUTH:domainId': account }),
    roles,
  }
}

/** Who acts as this user, where it is not the user. */
function impersonator(realm: Realm, { claims }: TokenRecord): Awaitable<object> {
  const id = claims?.['impersonator']
  if (typeof id !== 'string') return NOBODY
  return after(userById(realm, id), (user) => {
    // Its end ended the token as well.
    if (user === undefined) return NOBODY
    return after(shownRoles(realm, user), (roles) => ({
      'RAX-AUTH:impersonator': { id, name: user.username, roles },
    }))
  })
}

const NOBODY = {}
