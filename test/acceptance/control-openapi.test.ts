import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Validator } from '@seriousme/openapi-schema-validator'
import { CONTROL, jsonOf } from '../kit/calls.ts'
import { openForFile } from '../kit/in-process.ts'
import { parseTranscript } from './transcript.ts'

type Operation = {
  readonly operationId: string
  readonly responses: Readonly<Record<string, unknown>>
}
type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> }

const { calls } = await openForFile({ time: 'hand' })
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
