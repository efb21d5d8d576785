import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { V3_ROUTER, V3_ROUTES } from '../../dialects/identity/v3/routes.ts'
import { parseTranscript } from './transcript.ts'

const FOLDER = new URL('transcripts/identity-v3/', import.meta.url)

/** Statuses in transcripts, by method and template. */
function shownStatuses(): ReadonlyMap<string, ReadonlySet<number>> {
  const shown = new Map<string, Set<number>>()
  for (const name of readdirSync(FOLDER)) {
    for (const { request, answer } of parseTranscript(readFileSync(new URL(name, FOLDER), 'utf8'))) {
      const [method = '', target = ''] = request.split(' ')
      const path = (target.split('?')[0] ?? '').replace(/\/$/, '').slice(1).split('/')
      const route = V3_ROUTER.match(path)?.route
      if (route === undefined) continue
      const key = `${method} ${route.template}`
      shown.set(key, (shown.get(key) ?? new Set()).add(Number(answer.split(' ')[1])))
    }
  }
  return shown
}

const OPEN = ['/v3', '/v3/auth/tokens/OS-PKI/revoked']

test('every route of v3 has transcripts of its success and of a call without a token', () => {
  const shown = shownStatuses()
  assert.ok(V3_ROUTES.length > 25)
  for (const { template, methods } of V3_ROUTES) {
    for (const method of methods.keys()) {
      if (method === 'HEAD') continue
      const statuses = shown.get(`${method} ${template}`) ?? new Set()
      const isGood = [...statuses].some((status) => status < 300)
      assert.ok(isGood || template.includes('OS-PKI'), `${method} ${template}: no success`)
      assert.ok(statuses.has(401) || OPEN.includes(template), `${method} ${template}: no 401`)
      if (template.includes('{')) {
        const hidden = method === 'POST' && template.endsWith('/password') ? 401 : 404
        assert.ok(statuses.has(hidden), `${method} ${template}: no ${hidden} for what is not there`)
      }
    }
  }
})
