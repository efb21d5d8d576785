import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, basic, CLIENT_KEY, CONTROL, FORM_BODY, JSON_BODY, OAUTH } from '../kit/calls.ts'
import { headerOf, type RawAnswer } from '../kit/raw-http.ts'
import { ANN, EVE, SVC } from '../kit/seed.ts'
import { Dice, type Mutant, mutant } from './malformed/mutate.ts'
import { hasShape, type Shape, shapeAt } from './malformed/shapes.ts'
import type { Template } from './malformed/templates.ts'
import { HostileWorld } from './malformed/world.ts'

/** The seed of the draws. `FUZZ_SEED=…` changes it, `FUZZ_REQUESTS=…` the number of requests. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260_301)
const REQUESTS = Number(process.env['FUZZ_REQUESTS'] ?? 12_000)
/** Requests after which the tokens that they name are made again, because some mutants end them. */
const REQUESTS_PER_BATCH = 250

test(`${REQUESTS} mutated requests: each is answered as documented, and refused ones write nothing`, async (t) => {
  const world = await HostileWorld.open()
  const dice = new Dice(SEED)
  const statuses = new Map<number, number>()
  try {
    for (let sent = 0; sent < REQUESTS; sent += REQUESTS_PER_BATCH) {
      const templates = await spareTemplates(world, sent)
      for (let at = sent; at < Math.min(sent + REQUESTS_PER_BATCH, REQUESTS); at += 1) {
        const answer = await one(world, mutant(templates, dice), at)
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      }
      await world.assertVictimsLive()
    }
  } finally {
    await world.close()
  }
  const counted = [...statuses]
    .sort(([one], [other]) => one - other)
    .map(([status, count]) => `${status}: ${count}`)
  t.diagnostic(`seed ${SEED}; ${world.inputs} inputs; answers ${counted.join(', ')}`)
})

/** Valid requests about tokens that are only used here. */
async function spareTemplates(
  { calls, victims }: HostileWorld,
  batch: number,
): Promise<readonly [Template, ...Template[]]> {
  const id = `spare-${batch}`
  const bound = await calls.chatBound(id, `spare-token-${batch}`)
  const chat = await calls.chatToken(id)
  const { access, refresh } = await calls.oauthGrant('spare')
  const ann = await annsToken(calls)
  const spare = await annsToken(calls)
  const json = (value: unknown): string => JSON.stringify(value)
  const admin = { shape: 'chat', headers: [API_KEY, JSON_BODY] } as const
  const user = { shape: 'identity', headers: [`X-Auth-Token: ${ann}`, 'Accept: application/json'] } as const
  const oauth = { shape: 'oauth', method: 'POST', headers: [basic(SVC), FORM_BODY] } as const
  const key = { username: ANN.username, apiKey: ANN.apiKey }
  return [
    { ...admin, method: 'DELETE', target: `/admin/clients/${id}/token/`, body: json({ token: bound }) },
    { ...admin, method: 'DELETE', target: `/admin/clients/${id}/token`, body: '{}' },
    { ...admin, method: 'PUT', target: `/admin/clients/${id}/token`, body: json({ token: `${bound}-2` }) },
    {
      ...admin,
      method: 'POST',
      target: '/admin/clients',
      body: json({ _id: id, nickname: 'N', issueAccessToken: true }),
    },
    { shape: 'chat', method: 'GET', target: '/me', headers: [CLIENT_KEY, `IM-Authorization: ${chat}`] },
    {
      shape: 'identity',
      method: 'POST',
      target: '/v2.0/tokens',
      headers: [JSON_BODY],
      body: json({ auth: { 'RAX-KSKEY:apiKeyCredentials': key, tenantId: ANN.tenant } }),
    },
    { ...user, method: 'GET', target: `/v2.0/tokens/${spare}?belongsTo=${ANN.tenant}` },
    { ...user, method: 'DELETE', target: `/v2.0/tokens/${spare}` },
    // In another account; this caller has no right to it.
    { ...user, method: 'DELETE', target: `/v2.0/tokens/${victims.eve}` },
    ...v3Templates(ann, spare),
    { ...oauth, target: OAUTH, body: 'grant_type=client_credentials&scope=read+write' },
    { ...oauth, target: OAUTH, body: `grant_type=refresh_token&refresh_token=${refresh}` },
    { ...oauth, target: `${OAUTH}/revoke`, body: `token=${access}&token_type_hint=access_token` },
    { ...oauth, target: `${OAUTH}/introspect`, body: `token=${access}` },
    // Of another client; this caller has no right to it.
    { ...oauth, target: `${OAUTH}/revoke`, body: `token=${victims.other}` },
    {
      shape: 'oauth',
      method: 'GET',
      target: '/.well-known/oauth-authorization-server/api/id/v1',
      headers: [],
    },
    { shape: 'identity', method: 'GET', target: '/v2.0', headers: ['Accept: application/json'] },
    {
      shape: 'problem',
      method: 'POST',
      target: '/control/v1/grants?realm=default',
      headers: [CONTROL, JSON_BODY],
      body: json({ clientId: 'svc', subject: 'spare', scope: 'read' }),
    },
  ]
}

function v3Templates(ann: string, spare: string): readonly Template[] {
  const caller = `X-Auth-Token: ${ann}`
  const v3 = { shape: 'identity-v3', headers: [caller] } as const
  const about = { ...v3, target: '/v3/auth/tokens', headers: [caller, `X-Subject-Token: ${spare}`] }
  const identity = { methods: ['token'], token: { id: ann } }
  const auth = { identity, scope: { project: { id: ANN.tenant } } }
  return [
    { ...about, method: 'GET' },
    { ...about, method: 'DELETE' },
    {
      ...{ shape: 'identity-v3', method: 'POST', target: '/v3/auth/tokens', headers: [JSON_BODY] },
      body: JSON.stringify({ auth }),
    },
    { ...v3, method: 'GET', target: '/v3/auth/projects' },
    { ...v3, method: 'GET', target: `/v3/users/${ANN.id}/application_credentials?limit=2&name=ci` },
    { ...v3, method: 'GET', target: `/v3/role_assignments?user.id=${ANN.id}&include_names` },
    // This caller has no right to do it.
    {
      ...{ ...v3, method: 'PATCH', target: `/v3/users/${EVE.id}`, headers: [caller, JSON_BODY] },
      body: JSON.stringify({ user: { enabled: false } }),
    },
    { ...v3, method: 'PUT', target: `/v3/projects/${ANN.tenant}/users/${ANN.id}/roles/admin` },
  ]
}

async function annsToken(calls: HostileWorld['calls']): Promise<string> {
  const key = { username: ANN.username, apiKey: ANN.apiKey }
  const body = JSON.stringify({ auth: { 'RAX-KSKEY:apiKeyCredentials': key } })
  const answer = await calls.send('POST /v2.0/tokens', [JSON_BODY], body)
  const { access } = JSON.parse(answer.body.toString()) as { access: { token: { id: string } } }
  return access.token.id
}

const ANY: readonly Shape[] = ['chat', 'identity', 'identity-v3', 'oauth', 'toy', 'problem']

async function one(world: HostileWorld, { bytes, target, isHead }: Mutant, at: number): Promise<RawAnswer> {
  const what = (): string => `seed ${SEED}, request ${at}:\n${bytes.toString('latin1')}`
  const before = world.writes
  const answer = await world.send(bytes).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${what()}`)
  })
  const { status } = answer
  const given = (): string => `${what()}\n→ ${answer.statusLine} ${answer.body.toString('latin1')}`
  assert.ok(status < 500, given())
  assert.ok(headerOf(answer, 'x') === undefined, given())
  // 300 is the root document, which lists versions.
  if (status >= 200 && status <= 300) return answer
  assert.equal(world.writes, before, `refused, and written: ${given()}`)
  assert.ok(status >= 400, given())
  const shape = shapeAt(target)
  // Node's parser refuses before anybody knows which dialect the path belongs to.
  const allowed =
    shape === undefined
      ? ANY
      : headerOf(answer, 'connection') === 'close'
        ? [shape, 'problem' as const]
        : [shape]
  assert.ok(isHead || allowed.some((one) => hasShape(answer, one)), given())
  return answer
}
