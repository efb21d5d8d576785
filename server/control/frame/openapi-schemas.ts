import { ContractBroken } from '@rescind/core'
import { z } from 'zod'

export type Json = { readonly [member: string]: unknown }

const ANY = { description: 'Any JSON value' }
/** Definitions that zod has named itself. The only recursive schema without a name here is that of any JSON value. */
const UNNAMED = /^__schema\d+$/

/** The JSON Schemas of a document, with those that have a name as its components. */
export class Schemas {
  readonly components: Record<string, unknown> = {}

  constructor(components: Json) {
    Object.assign(this.components, components)
  }

  /** A zod schema as JSON Schema; a schema with an id becomes a component. */
  of(schema: z.ZodType, io: 'input' | 'output'): unknown {
    const { $schema, $defs, ...made } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
    void $schema
    for (const [name, definition] of Object.entries($defs ?? {})) {
      // As a component it would refer to itself without an object in between, which compilers of types refuse.
      if (!UNNAMED.test(name)) this.components[name] = lifted(definition)
      else if (!isAnyJson(definition, name)) throw new ContractBroken(`a recursive schema has no id: ${name}`)
    }
    return lifted(made)
  }
}

function isAnyJson(definition: unknown, name: string): boolean {
  const { anyOf } = definition as { readonly anyOf?: readonly Json[] }
  return anyOf?.some(({ items }) => (items as Json | undefined)?.['$ref'] === `#/$defs/${name}`) === true
}

function lifted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lifted)
  if (typeof value !== 'object' || value === null) return value
  const members = value as Json
  const ref = members['$ref']
  if (typeof ref === 'string' && UNNAMED.test(ref.replace('#/$defs/', ''))) return ANY
  return Object.fromEntries(
    Object.entries(members)
      .filter(([name]) => name !== 'id' || typeof members['id'] !== 'string')
      .map(([name, member]) =>
        name === '$ref' && typeof member === 'string'
          ? [name, member.replace('#/$defs/', '#/components/schemas/')]
          : [name, lifted(member)],
      ),
  )
}
