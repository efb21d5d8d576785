import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { EXAMPLES } from '../../server/control/examples/examples.ts'
import { TAGS } from '../../server/control/frame/openapi-text.ts'
import { CONTROL, jsonOf } from '../kit/calls.ts'
import { openForFile, openServer } from '../kit/in-process.ts'
import { parseTranscript } from './transcript.ts'

type Media = { readonly schema: object; readonly example?: unknown }
type Content = { readonly content?: Readonly<Record<string, Media>> }
type Operation = {
  readonly operationId: string
  readonly description: string
  readonly tags: readonly string[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Content>>
}
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: object
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly servers: readonly { readonly url: string }[]
}

const { server, calls } = await openForFile({ time: 'hand' })
let document: Document

before(async () => {
  document = jsonOf(await calls.control('GET /openapi.json')) as Document
})

test('the API describes itself in valid OpenAPI 3.1', async () => {
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document))
  assert.deepEqual(result.errors ?? [], [])
  assert.equal(result.valid, true)
  assert.equal(validator.version, '3.1')
})

const operations = (): readonly Operation[] =>
  Object.values(document.paths).flatMap((path) => Object.values(path))

test('every operation has an example of each body and of each success, and the schemas accept them', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: 'rescind', components: document.components })
  for (const { operationId, requestBody = {}, responses } of operations()) {
    const successes = Object.entries(responses).filter(([status]) => status < '300')
    for (const [where, { content = {} }] of [['body', requestBody] as const, ...successes]) {
      for (const [type, { schema, example }] of Object.entries(content)) {
        const name = `${operationId} ${where}`
        assert.ok(example !== undefined, `${name}: has no example (server/control/examples)`)
        if (type !== 'application/json') {
          assert.equal(typeof example, 'string', name)
          continue
        }
        const text = JSON.stringify(schema).replaceAll('"#/components/', '"rescind#/components/')
        const validate = ajv.compile(JSON.parse(text) as object)
        assert.ok(validate(example), `${name}: ${JSON.stringify(validate.errors)}`)
      }
    }
  }
})

test('there is no example without its operation', () => {
  const names = new Set(operations().map(({ operationId }) => operationId))
  assert.deepEqual(
    [...EXAMPLES.keys()].filter((name) => !names.has(name)),
    [],
  )
})

test('every tag is described, and every operation says who may call it', () => {
  const described = new Set(document.tags.map(({ name }) => name))
  assert.deepEqual(
    document.tags.filter(({ name }) => TAGS[name] === undefined),
    [],
  )
  for (const { operationId, tags, description } of operations()) {
    assert.ok(
      tags.every((tag) => described.has(tag)),
      operationId,
    )
    assert.match(description, /It needs .*(?:control key|verifier's key)/, operationId)
  }
})

test('the document says where its server is, below the path of a proxy, too', async () => {
  assert.deepEqual(
    document.servers.map(({ url }) => url),
    [server.url],
  )
  const behind = await openServer({ time: 'hand', flags: ['--public-url', 'https://auth.example/rescind'] })
  const answer = await fetch(`${behind.url}/control/v1/openapi.json`, {
    headers: { authorization: CONTROL.slice('Authorization: '.length) },
  })
  const { servers } = (await answer.json()) as Document
  assert.deepEqual(
    servers.map(({ url }) => url),
    ['https://auth.example/rescind'],
  )
  await behind.close()
})

test('no example holds a secret', () => {
  const text = JSON.stringify(document)
  for (const secret of [/rsc_\w{4}/, /rsv_\w{4}/, /rs[ar]_\w{4}/, /-secret-\w/])
    assert.doesNotMatch(text, secret)
})

test('every operation has a unique name', () => {
  const names = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  assert.equal(new Set(names).size, names.length)
})

test('[C07] every operation exists, and refuses a caller without a key', async () => {
  for (const [template, methods] of Object.entries(document.paths)) {
    const path = template.replaceAll(/\{\w+\}/g, 'x')
    for (const method of Object.keys(methods)) {
      const line = `${method.toUpperCase()} ${path}`
      assert.equal((await calls.send(line)).status, 401, line)
      const other = await calls.send(`TRACE ${path}`, [CONTROL])
      assert.equal(other.status, 405, line)
      const allow = other.headers.find(([name]) => name === 'allow')?.[1] ?? ''
      assert.ok(allow.split(', ').includes(method.toUpperCase()), `${line}: ${allow}`)
    }
  }
})

/** Calls whose 2xx other tests show: streams, and calls that need a second server. */
const SHOWN_ELSEWHERE =
  /\/feed|\/audit|\/bulk|\/token-review|\/check-profiles|\/verifiers|\/token-prefixes|\/events/

test('every success of rules, holds, approvals and settings is shown by a transcript', () => {
  const folder = fileURLToPath(new URL('transcripts/control', import.meta.url))
  const shown = new Map<string, Set<string>>()
  for (const file of readdirSync(folder)) {
    for (const { request, answer } of parseTranscript(readFileSync(`${folder}/${file}`, 'utf8'))) {
      const [, method = '', path = ''] = /^([A-Z]+) (\/control\/v1\/[^? ]*)/.exec(request) ?? []
      const template = templateOf(path)
      const name = `${method.toLowerCase()} ${template}`
      const statuses = shown.get(name) ?? new Set()
      statuses.add(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
      shown.set(name, statuses)
    }
  }
  for (const [template, methods] of Object.entries(document.paths)) {
    if (!/\/(?:revocations|holds|approvals|settings)/.test(template) || SHOWN_ELSEWHERE.test(template))
      continue
    for (const [method, { responses }] of Object.entries(methods)) {
      const statuses = shown.get(`${method} ${template}`) ?? new Set()
      const done = Object.keys(responses).filter((status) => status < '400')
      for (const status of done)
        assert.ok(statuses.has(status), `${method} ${template}: no transcript shows ${status}`)
    }
  }
})

function templateOf(path: string): string | undefined {
  const segments = path.split('/')
  return Object.keys(document.paths)
    .filter((one) => {
      const own = one.split('/')
      return (
        own.length === segments.length &&
        own.every((part, at) => part.startsWith('{') || part === segments[at])
      )
    })
    .sort((left, right) => left.split('{').length - right.split('{').length)[0]
}
