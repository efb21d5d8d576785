import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { Router } from '../../dialects/wire/router.ts'
import { parseTranscript } from '../acceptance/transcript.ts'
import {
  CHAT_REFUSALS,
  chatCalls,
  type DialectCall,
  oauthCalls,
  V2_REFUSALS,
  V3_REFUSALS,
  v2Calls,
  v3Calls,
} from '../reference/dialect-calls.ts'
import { ROOT, read } from './tree.ts'

const FOLDER = 'test/acceptance/transcripts'
/** What the page of routes says of every call. */
const EVERY = [400, 405, 408, 413, 431, 500, 503]

const DIALECTS = [
  { folder: 'oauth', calls: oauthCalls(), refusals: [] },
  { folder: 'chat', calls: chatCalls(), refusals: CHAT_REFUSALS },
  { folder: 'identity', calls: v2Calls(), refusals: V2_REFUSALS },
  { folder: 'identity-v3', calls: v3Calls(), refusals: V3_REFUSALS },
] as const

function routerOf(calls: readonly DialectCall[]): (path: string) => string | undefined {
  const templates = [...new Set(calls.map(({ template }) => template))]
  const router = new Router(templates.map((template) => ({ template, methods: new Map() })))
  return (path) => router.match(path.slice(1).split('/'))?.route.template
}

/** Without the realm, the query, a suffix of v2.0 and a trailing slash. */
function plainPath(target: string): string {
  const [path = ''] = target.split('?')
  return path.replace(/^\/realms\/[^/]+/, '').replace(/\.(?:json|xml)$|(?<=.)\/$/, '')
}

for (const { folder, calls, refusals } of DIALECTS)
  test(`every status in the transcripts of ${folder} is one that the page of routes has for the call`, () => {
    const templateOf = routerOf(calls)
    let seen = 0
    for (const file of readdirSync(`${ROOT}${FOLDER}/${folder}`)) {
      for (const { request, answer } of parseTranscript(read(`${FOLDER}/${folder}/${file}`).text)) {
        const [, method = '', target = ''] = /^([A-Z]+) (\S+) HTTP/.exec(request) ?? []
        const template = templateOf(plainPath(target))
        const call = calls.find((one) => one.template === template && one.method === method)
        if (call === undefined) continue
        const status = Number(answer.slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
        const had = [...EVERY, ...refusals, ...call.done, ...call.also]
        assert.ok(had.includes(status), `${file}: ${method} ${template} answers ${status}`)
        seen += 1
      }
    }
    assert.ok(seen > 20, `${seen} exchanges`)
  })
