import type { Call } from '../../frame/call.ts'
import { WrongUse } from '../../frame/failure.ts'
import { quoted } from '../../frame/token-text.ts'
import type { ControlPath } from '../../remote/client.ts'
import { RESOURCES, type Resource } from './resources.ts'

/** What the words RESOURCE ID… name. */
export type Named = {
  readonly resource: Resource
  /** The list, or the single record. */
  readonly list: ControlPath
  /** One record of the list, if an id is given. */
  readonly record: ControlPath | undefined
  readonly id: string | undefined
}

/** @throws WrongUse when there are too few ids, or too many. */
export function namedBy(call: Call): Named {
  const [name, ...ids] = call.positionals
  const resource = RESOURCES.find((one) => one.name === name)
  // The frame accepts only names of the table.
  if (resource === undefined) throw new TypeError(`no resource ${name}`)
  const parents = resource.path.match(/\{\w+\}/g) ?? []
  const usage =
    `it is: rescind ${call.name} ${resource.name} ${parents.map((one) => one.slice(1, -1)).join(' ')}`.trim()
  if (ids.length < parents.length) throw new WrongUse(`${resource.name}: whose is not said`, usage)
  const own = ids.slice(parents.length)
  if (own.length > 1 || (own.length === 1 && resource.member === undefined))
    throw new WrongUse(`unknown argument ${quoted(own.at(-1) ?? '')}`, usage)
  const list = parents.reduce(
    (path, parent, at) => path.replace(parent, encodeURIComponent(ids[at] ?? '')),
    resource.path as string,
  ) as ControlPath
  const [id] = own
  return { resource, list, record: id === undefined ? undefined : `${list}/${encodeURIComponent(id)}`, id }
}
