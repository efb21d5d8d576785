/**
 * `npm run test:timing -- [--samples N]`: tests whether response times distinguish kinds of requests that must look
 * alike. Uses its own server on SQLite and one connection, with the kinds in random order. Prints Welch's t and the
 * mean difference of each pair, and ends with 1 when it tells apart a pair that must be alike. Run it on an idle
 * machine.
 */
import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { mintText, PREFIX } from '@rescind/authority'
import { Calls, FORM_BODY, JSON_BODY, OAUTH } from '../../kit/calls.ts'
import { RawConnection, requestBytes } from '../../kit/raw-http.ts'
import { ANN, SVC } from '../../kit/seed.ts'
import { SeededRandom } from '../../kit/seeded-random.ts'
import { makeHome, startProcess } from '../../kit/server.ts'
import { differenceOf } from './statistics.ts'

const SAMPLES = '20000'
/** The threshold that dudect uses. */
const T_MAX = 4.5
const NS_PER_MS = 1e6
/** Tokens of each kind: a single repeated one would be recognised by the processor's caches. */
const TOKENS = 500

type Kind = { readonly name: string; readonly status: number; readonly next: () => Buffer }
/** `mustBeAlike`: if not, the manual says what the difference reveals. */
type Pair = { readonly one: Kind; readonly other: Kind; readonly mustBeAlike: boolean }

const { values } = parseArgs({ options: { samples: { type: 'string' } } })
const samples = Number(values.samples ?? SAMPLES)
const home = makeHome()
const server = await startProcess({
  home,
  flags: ['--identity-rate', '0', '--issue-rate', '0'],
})
const port = Number(new URL(server.url).port)
const calls = new Calls(port)
const connection = new RawConnection(port)
let isApart = false
try {
  for (const pair of await pairs()) {
    const times: readonly [number[], number[]] = [[], []]
    for (const warm of [true, false]) {
      const count = warm ? Math.ceil(samples / 10) : samples
      for (const nth of shuffled(count)) {
        const kind = nth === 0 ? pair.one : pair.other
        const tookNs = await timed(kind)
        if (!warm) times[nth].push(tookNs)
      }
    }
    const { t, meanNs } = differenceOf(...times)
    const said =
      Math.abs(t) < T_MAX ? 'alike' : pair.mustBeAlike ? 'TOLD APART' : 'told apart (docs/limits.md)'
    if (Math.abs(t) >= T_MAX && pair.mustBeAlike) isApart = true
    console.log(
      `${pair.one.name} / ${pair.other.name}: t = ${t.toFixed(1)}, ${meanNs.toFixed(0)} ns, ${said}`,
    )
  }
} finally {
  calls.close()
  connection.close()
  await server.stop()
  home.remove()
}
process.exitCode = isApart ? 1 : 0

async function timed({ name, status, next }: Kind): Promise<number> {
  const bytes = next()
  const startMs = performance.now()
  const answer = await connection.exchange(bytes)
  const tookMs = performance.now() - startMs
  assert.equal(answer.status, status, `${name}: ${answer.body.toString()}`)
  return tookMs * NS_PER_MS
}

/** As many zeros as ones, in an unpredictable order. */
function shuffled(count: number): (0 | 1)[] {
  const order = [...randomBytes(2 * count)].map((byte, at) => ({ byte, kind: at % 2 === 0 ? 0 : 1 }) as const)
  return order.toSorted((one, other) => one.byte - other.byte).map(({ kind }) => kind)
}

async function pairs(): Promise<readonly Pair[]> {
  const [dead, unknown]: [string[], string[]] = [[], []]
  const random = new SeededRandom()
  for (let nth = 0; nth < TOKENS; nth += 1) {
    const token = await calls.oauthToken(SVC)
    await calls.oauthRevoke(SVC, token)
    dead.push(token)
    // Of the right form: malformed text is never looked up, which its form shows to anyone.
    unknown.push(mintText(PREFIX.access, random).reveal())
  }
  const alike = (one: Kind, other: Kind): Pair => ({ one, other, mustBeAlike: true })
  return [
    alike(apiKeyLogin('an API key of a user', ANN.username), apiKeyLogin('of nobody', 'amy')),
    alike(apiKeyLogin('the same again', ANN.username), apiKeyLogin('the same again', ANN.username)),
    about('introspection of a revoked token', 'introspect', { dead, unknown }),
    about('revocation of a revoked token', 'revoke', { dead, unknown }),
  ]
}

function apiKeyLogin(name: string, username: string): Kind {
  const auth = { 'RAX-KSKEY:apiKeyCredentials': { username, apiKey: 'wrong-key-0123456789' } }
  const body = JSON.stringify({ auth })
  const bytes = requestBytes({ line: 'POST /v2.0/tokens HTTP/1.1', headers: [JSON_BODY], body })
  return { name, status: 401, next: () => bytes }
}

type Tokens = { readonly dead: readonly string[]; readonly unknown: readonly string[] }

/** A difference here reveals little, because the caller has the text already (docs/limits.md). */
function about(name: string, path: string, { dead, unknown }: Tokens): Pair {
  const credentials = Buffer.from(`${SVC.clientId}:${SVC.clientSecret}`).toString('base64')
  const headers = [`Authorization: Basic ${credentials}`, FORM_BODY]
  const of = (kind: string, tokens: readonly string[]): Kind => ({
    name: kind,
    status: 200,
    next: () =>
      requestBytes({
        line: `POST ${OAUTH}/${path} HTTP/1.1`,
        headers,
        body: `token=${tokens[randomInt(TOKENS)]}`,
      }),
  })
  return { one: of(name, dead), other: of('of an unknown one', unknown), mustBeAlike: false }
}
