import { mintedPrefixProblem } from '@rescind/authority'
import { ContractBroken } from '@rescind/core'
import { SERVER_SETTINGS } from '../config/settings.ts'
import { CONTROL_PREFIX } from '../control/api.ts'
import { endpointsWith } from '../control/endpoints.ts'
import type { Endpoint } from '../control/frame/endpoint.ts'
import { CHAT } from '../dialects/chat/module.ts'
import { IDENTITY } from '../dialects/identity/module.ts'
import type { DialectModule } from '../dialects/module.ts'
import { OAUTH } from '../dialects/oauth/module.ts'
import { CHECK_PREFIX } from '../http/wire.ts'
import { OWN_MEMBERS } from '../seed/schema.ts'
import { OPS_PATHS } from './ops.ts'

/** The dialects of this server, in the order in which they are seeded and their settings are listed. */
export const MODULES: readonly DialectModule[] = [CHAT, OAUTH, IDENTITY]

/** Every endpoint of the control API, those of the dialects too. */
export function endpointsOf(modules: readonly DialectModule[]): readonly Endpoint[] {
  return endpointsWith(modules.flatMap(({ resources = [] }) => resources))
}

/** Sources of keys that are not tokens, and of registered issuers. */
const OWN_SOURCES = ['control', 'verifier', 'iss']

const OWN_PATHS: readonly string[] = [CONTROL_PREFIX, CHECK_PREFIX, '/realms', ...OPS_PATHS]

/** @throws ContractBroken for modules that clash: the server is put together wrongly. */
export function checkModules(modules: readonly DialectModule[]): void {
  const families = modules.flatMap(({ sources }) => sources.map(({ form }) => form.split(/[/:]/)[0] ?? ''))
  const settings = modules.flatMap((module) => Object.keys(module.settings))
  const members = modules.flatMap(({ seed }) => Object.keys(seed?.members ?? {}))
  refuseTwice(
    'name',
    modules.map(({ name }) => name),
  )
  refuseTwice('source', [...OWN_SOURCES, ...families])
  refuseTwice('setting', [...Object.keys(SERVER_SETTINGS), ...settings])
  refuseTwice('member of a seed', [...OWN_MEMBERS, ...members])
  const problem = mintedPrefixProblem(modules.flatMap(({ prefixes }) => prefixes))
  if (problem !== undefined) throw new ContractBroken(`dialects: ${problem}`)
  const paths = [...OWN_PATHS, ...modules.flatMap((module) => module.paths)]
  for (const [at, path] of paths.entries()) {
    const other = paths.slice(at + 1).find((one) => isUnder(one, path) || isUnder(path, one))
    if (other !== undefined) throw new ContractBroken(`dialects: the paths ${path} and ${other} clash`)
  }
}

function refuseTwice(what: string, names: readonly string[]): void {
  const twice = names.find((name, at) => names.indexOf(name) < at)
  if (twice !== undefined) throw new ContractBroken(`dialects: the ${what} ${twice} is there twice`)
}

/** `/` covers only itself. */
function isUnder(path: string, prefix: string): boolean {
  return path === prefix || (prefix !== '/' && path.startsWith(`${prefix}/`))
}
