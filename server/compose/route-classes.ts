import { INTROSPECT_PATH, REVOKE_PATH, TOKEN_PATH } from '@rescind/dialects'
import { CONTROL_PREFIX } from '../control/api.ts'
import type { DialectModule } from '../dialects/module.ts'
import { CHECK_PREFIX } from '../http/wire.ts'
import { OPS_PATHS } from './ops.ts'

type Class = { readonly start: string; readonly name: string }

/** Classes by the beginning of a route's template; the first that fits. What other systems wait for has classes of its own. */
const OWN: readonly Class[] = [
  { start: CONTROL_PREFIX, name: 'control' },
  { start: 'control:', name: 'control' },
  { start: CHECK_PREFIX, name: 'check' },
  ...OPS_PATHS.map((start) => ({ start, name: 'operations' })),
  { start: INTROSPECT_PATH, name: 'introspect' },
  { start: REVOKE_PATH, name: 'revoke' },
  { start: TOKEN_PATH, name: 'issue' },
]

/** Puts routes into classes for the stats: those above, the name of a dialect, or `other`. */
export function routeClasses(
  modules: readonly Pick<DialectModule, 'name' | 'paths'>[],
): (route: string) => string {
  const ofModules = modules.flatMap(({ name, paths }) =>
    [`${name}:`, ...paths.filter((path) => path !== '/')].map((start) => ({ start, name })),
  )
  const all: readonly Class[] = [...OWN, ...ofModules]
  return (route) => all.find(({ start }) => route.startsWith(start))?.name ?? 'other'
}
