import { MODULES } from '@rescind/server'
import { endpointsOf } from '../../server/compose/modules.ts'
import { OPS_ROUTES } from '../../server/compose/ops.ts'
import { CONTROL_PREFIX } from '../../server/control/api.ts'
import { type Endpoint, rateClassOf } from '../../server/control/frame/endpoint.ts'
import { lowestRole } from '../../server/control/frame/narrowing.ts'
import { openapiOf } from '../../server/control/frame/openapi.ts'
import { CHECK_ROUTES } from '../../server/gateway/check.ts'
import { dialectSections } from './dialect-routes.ts'
import { code, markdown, type Page, table, WRITTEN } from './markdown.ts'

export function routesPage(): Page {
  return {
    path: 'reference/routes.md',
    text: markdown([
      '# Routes',
      `Every path of the server, with its methods, its callers and its statuses, as the routers and the OpenAPI document declare
them. The [transcripts](../../test/acceptance/transcripts/) show whole requests and answers; a test sees to it that none of them has
a status that this page lacks. ${WRITTEN}`,
      `\`/realms/{realm}\` in front of a path leads to another realm than \`default\`; \`/control/v1\` takes \`?realm=\`
instead, and health and metrics are about the process. A trailing slash is accepted. **Any call** can also be answered 400 for a
malformed request, 405 for another method, 408 or 431 for a request that came too slowly or has too large headers,
413 for a body above 64 KiB, 500 for a bug and 503 for an outage; [errors.md](errors.md) says what each means.`,
      ...dialectSections(),
      ...gateways(),
      ...control(),
    ]),
  }
}

type Operation = { readonly responses: Readonly<Record<string, unknown>> }
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

function control(): readonly string[] {
  const endpoints = endpointsOf(MODULES)
  // The document is JSON: its type is what openapiOf makes of each endpoint.
  const { paths } = openapiOf(endpoints, { version: '', url: '', examples: new Map() }) as Document
  const statusesOf = ({ path, method }: Endpoint): readonly string[] =>
    Object.keys(paths[CONTROL_PREFIX + path]?.[method.toLowerCase()]?.responses ?? {})
  const every = endpoints.map(statusesOf).reduce((left, right) => left.filter((one) => right.includes(one)))
  return [
    '## Control API',
    `\`Authorization: Bearer KEY\`. **Role**: the least role of a control key ([control.md](../control.md)); "verifiers" are let in
by their own keys. **Rate**: the class of \`--control-rate\` ([settings](settings.md)) that a call counts towards. The statuses are those
of \`GET /control/v1/openapi.json\`. Each of these calls can also be refused with ${every.filter((one) => one >= '400').join(', ')}.`,
    ...[...Map.groupBy(endpoints, ({ path }) => path.split('/')[1] ?? '')].flatMap(([name, own]) => [
      `### ${name}`,
      table(
        ['call', 'what it does', 'role', 'rate', 'statuses'],
        own.map((one) => [
          code(`${one.method} ${CONTROL_PREFIX}${one.path}`),
          one.summary,
          callersOf(one),
          rateClassOf(one),
          statusesOf(one)
            .filter((status) => status < '400' || !every.includes(status))
            .join(' '),
        ]),
      ),
    ]),
  ]
}

function callersOf(one: Endpoint): string {
  const { callers = ['control'], role, reach } = one
  const lowest = lowestRole(one)
  const least = lowest === role ? role : `${lowest} to end a leak, else ${role}`
  const roles = callers.includes('control') ? [reach === 'store' ? `${least}, all realms` : least] : []
  return [...roles, ...(callers.includes('verifier') ? ['verifiers'] : [])].join('; ')
}

function gateways(): readonly string[] {
  return [
    '## Gateways, health and metrics',
    `Any method is the same at \`/check\`: it judges a credential and nothing else ([gateways.md](../gateways.md)). The others
take GET and HEAD.`,
    table(
      ['path', 'what it answers', 'who may call', 'statuses'],
      Object.entries({ ...CHECK_ROUTES, ...OPS_ROUTES }).map(([path, { what, caller, statuses }]) => [
        code(path),
        what,
        caller,
        statuses.join(' '),
      ]),
    ),
  ]
}
