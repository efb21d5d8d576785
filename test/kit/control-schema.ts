import assert from 'node:assert/strict'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

type Media = { readonly schema: object }
type Response = { readonly content?: Readonly<Record<string, Media>> }
type Operation = { readonly responses: Readonly<Record<string, Response>> }
export type OpenapiDocument = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: object
}

export type ControlAnswer = {
  readonly method: string
  /** Path without the query. */
  readonly path: string
  readonly status: number
  readonly contentType: string | undefined
  readonly body: string
}

/** Checks answers of the control API against its own OpenAPI document. */
export class ControlSchema {
  readonly #document: OpenapiDocument
  readonly #ajv: Ajv2020 = new Ajv2020({ strict: false, validateFormats: false })
  readonly #validators: Map<string, ValidateFunction> = new Map()
  /** Operations and statuses that were checked. */
  readonly seen: Set<string> = new Set()

  constructor(document: OpenapiDocument) {
    this.#document = document
    this.#ajv.addSchema({ $id: 'rescind', components: document.components })
  }

  /** Throws when the answer is not documented. Ignores paths that are not in the document. */
  check({ method, path, status, contentType, body }: ControlAnswer): void {
    const template = this.#templateOf(path)
    const operation = template === undefined ? undefined : this.#document.paths[template]?.[verbOf(method)]
    if (template === undefined || operation === undefined) return
    const name = `${verbOf(method)} ${template} ${status}`
    this.seen.add(name)
    const response = operation.responses[String(status)]
    assert.ok(response !== undefined, `${name}: not documented`)
    if (method === 'HEAD' || status === 304) return
    const [type, media] = Object.entries(response.content ?? {})[0] ?? []
    if (type === undefined || media === undefined) {
      assert.equal(body, '', `${name}: documented without a body`)
      return
    }
    assert.equal(contentType, type, name)
    if (!type.endsWith('json') || type.endsWith('ndjson')) return
    const validate = this.#validatorOf(name, media)
    const valid = validate(JSON.parse(body))
    assert.ok(valid, `${name}: ${JSON.stringify(validate.errors)}: ${body}`)
  }

  #validatorOf(name: string, { schema }: Media): ValidateFunction {
    const known = this.#validators.get(name)
    if (known !== undefined) return known
    const text = JSON.stringify(schema).replaceAll('"#/components/', '"rescind#/components/')
    const made = this.#ajv.compile(JSON.parse(text) as object)
    this.#validators.set(name, made)
    return made
  }

  /** Literal segments win, as in the server. */
  #templateOf(path: string): string | undefined {
    const segments = path.split('/')
    return Object.keys(this.#document.paths)
      .filter((template) => {
        const own = template.split('/')
        return (
          own.length === segments.length &&
          own.every((part, at) => part.startsWith('{') || part === segments[at])
        )
      })
      .sort((left, right) => left.split('{').length - right.split('{').length)[0]
  }
}

function verbOf(method: string): string {
  return method === 'HEAD' ? 'get' : method.toLowerCase()
}
