import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { checkConfig, resolveSettings, startServer } from '@rescind/server'
import { HandClock } from '../../kit/realm.ts'
import { CONTROL_KEY, makeHome } from '../../kit/server.ts'

/**
 * Parallel refreshes of one token over real connections, on the embedded store. Some answers are lost, some clients
 * repeat their request, and some thieves come late.
 */
export type Races = { readonly rounds: number; readonly parallel: number; readonly seed: number }

export type RacesReport = {
  readonly rounds: number
  readonly requests: number
  /** Answers that the client abandoned before it had read them. */
  readonly dropped: number
  /** Rounds in which no answer arrived, and the client had to ask again. */
  readonly retried: number
  /** Grants that ended because a used token came back. */
  readonly reuses: number
}

const REPLAY_MS = 30_000
const CLIENT = 'racer'

export async function runRaces({ rounds, parallel, seed }: Races): Promise<RacesReport> {
  const home = makeHome()
  const clock = new HandClock()
  const flags = [
    '--listen',
    '127.0.0.1:0',
    '--store',
    `sqlite:${join(home.folder, 'r.db')}`,
    '--log-level',
    'silent',
  ]
  const values = resolveSettings({
    flags: [...flags, '--master-key-file', join(home.folder, 'master.key')],
    environment: { RESCIND_CONTROL_KEY: CONTROL_KEY },
    file: undefined,
  })
  const server = await startServer(checkConfig(values), { clock })
  try {
    const racer = new Racer(Number(new URL(server.url).port), seed)
    await racer.register()
    return await race(racer, clock, { rounds, parallel })
  } finally {
    await server.close()
    home.remove()
  }
}

async function race(
  racer: Racer,
  clock: HandClock,
  { rounds, parallel }: Pick<Races, 'rounds' | 'parallel'>,
): Promise<RacesReport> {
  const report = { rounds, requests: 0, dropped: 0, retried: 0, reuses: 0 }
  let held = await racer.login()
  for (let round = 0; round < rounds; round += 1) {
    // In about every fourth round the network is bad, and hardly an answer arrives.
    const lossy = racer.chance(0.25) ? 0.97 : 0.4
    const answers = await Promise.all(
      Array.from({ length: parallel }, () => racer.refresh(held, racer.chance(lossy))),
    )
    report.requests += parallel
    let arrived = answers.filter((answer) => answer !== undefined)
    report.dropped += parallel - arrived.length
    if (arrived.length === 0) {
      report.retried += 1
      // At the last millisecond of the window.
      clock.advance(REPLAY_MS - 1)
      const again = await racer.refresh(held, false)
      arrived = again === undefined ? [] : [again]
    }
    const [first] = arrived
    assert.ok(first !== undefined, `round ${round}: the client is without an answer`)
    assert.equal(first.status, 200, `round ${round}: a session was lost: ${first.body}`)
    for (const other of arrived) assert.equal(other.body, first.body, `round ${round}: two answers`)
    const next = tokensIn(first.body)
    assert.equal(await racer.liveRefreshTokens(), 1, `round ${round}: two lineages`)
    const old = held
    held = next.refresh
    if (!racer.chance(0.3)) continue
    held = await theft(racer, clock, { old, ...next })
    report.reuses += 1
  }
  return report
}

type Stolen = { readonly old: string; readonly access: string; readonly refresh: string }

/** The used token comes again, too late or after its successor. The grant ends, with all its tokens. */
async function theft(racer: Racer, clock: HandClock, { old, access, refresh }: Stolen): Promise<string> {
  let last = refresh
  if (racer.chance(0.5)) clock.advance(REPLAY_MS)
  else {
    const used = await racer.refresh(refresh, false)
    assert.ok(used?.status === 200)
    last = tokensIn(used.body).refresh
  }
  const thieves = await Promise.all(Array.from({ length: 8 }, () => racer.refresh(old, false)))
  for (const one of thieves) {
    assert.equal(one?.status, 400)
    const { error, cause } = JSON.parse(one?.body ?? '') as { error: string; cause: { code: string } }
    assert.equal(error, 'invalid_grant')
    assert.equal(cause.code, 'refresh_token_reuse')
  }
  assert.equal((await racer.refresh(last, false))?.status, 400)
  assert.equal(await racer.isActive(access), false)
  assert.equal(await racer.liveRefreshTokens(), 0)
  return racer.login()
}

type Answer = { readonly status: number; readonly body: string }

function tokensIn(body: string): { readonly access: string; readonly refresh: string } {
  const members = JSON.parse(body) as { access_token: string; refresh_token: string }
  return { access: members.access_token, refresh: members.refresh_token }
}

class Racer {
  readonly #port: number
  #state: number
  #secret = ''

  constructor(port: number, seed: number) {
    this.#port = port
    this.#state = seed
  }

  /** Reproducible: a linear congruential generator is random enough for losing answers. */
  chance(probability: number): boolean {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 2 ** 32 < probability
  }

  async register(): Promise<void> {
    const body = { clientId: CLIENT, grantTypes: ['refresh_token'], scopes: ['read'] }
    const made = await this.#control('POST', '/clients', body)
    this.#secret = (JSON.parse(made.body) as { clientSecret: string }).clientSecret
  }

  async login(): Promise<string> {
    const made = await this.#control('POST', '/grants', { clientId: CLIENT, subject: 'ann' })
    assert.equal(made.status, 201, made.body)
    return tokensIn(made.body).refresh
  }

  async liveRefreshTokens(): Promise<number> {
    let count = 0
    let cursor = ''
    do {
      const page = await this.#control('GET', `/clients/${CLIENT}/grants${cursor}`)
      const { grants, next } = JSON.parse(page.body) as {
        grants: { tokens: { kind: string }[] }[]
        next?: string
      }
      for (const { tokens } of grants) count += tokens.filter(({ kind }) => kind === 'refresh').length
      cursor = next === undefined ? '' : `?cursor=${next}`
    } while (cursor !== '')
    return count
  }

  async isActive(token: string): Promise<boolean> {
    const answer = await this.#form('/introspect', { token }, false)
    return answer?.body !== '{"active":false}'
  }

  /** @returns undefined when the answer was lost: the connection breaks at some moment after the request. */
  refresh(refreshToken: string, lose: boolean): Promise<Answer | undefined> {
    return this.#form('', { grant_type: 'refresh_token', refresh_token: refreshToken }, lose)
  }

  #form(path: string, form: Readonly<Record<string, string>>, lose: boolean): Promise<Answer | undefined> {
    const body = new URLSearchParams({ ...form, client_id: CLIENT, client_secret: this.#secret }).toString()
    const type = 'application/x-www-form-urlencoded'
    return this.#exchange({ line: `POST /api/id/v1/auth/token${path}`, type, body }, lose)
  }

  async #control(method: string, path: string, value?: unknown): Promise<Answer> {
    const body = value === undefined ? '' : JSON.stringify(value)
    const parts = { line: `${method} /control/v1${path}`, type: 'application/json', body }
    const answer = await this.#exchange(parts, false)
    assert.ok(answer !== undefined)
    return answer
  }

  async #exchange(
    { line, type, body }: { readonly line: string; readonly type: string; readonly body: string },
    lose: boolean,
  ): Promise<Answer | undefined> {
    const socket = connect({ port: this.#port, host: '127.0.0.1' })
    const head = [`${line} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${CONTROL_KEY}`, 'Connection: close']
    const shown = line.includes('/control/') ? head : head.filter((one) => !one.startsWith('Auth'))
    if (body !== '') shown.push(`Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body)}`)
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(`${shown.join('\r\n')}\r\n\r\n${body}`)
    if (lose) {
      for (let turns = 0; turns < 8 && this.chance(0.7); turns += 1) await turn()
      socket.destroy()
      return undefined
    }
    const parts: Buffer[] = []
    for await (const part of socket) parts.push(part as Buffer)
    const text = Buffer.concat(parts).toString('utf8')
    return { status: Number(text.slice(9, 12)), body: text.slice(text.indexOf('\r\n\r\n') + 4) }
  }
}
