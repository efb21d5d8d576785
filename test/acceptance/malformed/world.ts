import assert from 'node:assert/strict'
import { type DialectModule, MODULES } from '@rescind/server'
import { Calls } from '../../kit/calls.ts'
import { openServer, type TestServer } from '../../kit/in-process.ts'
import { type RawAnswer, RawConnection, requestBytes } from '../../kit/raw-http.ts'
import { BOB, EVE, GATEWAY, OTHER, ROOT, SEED, SVC } from '../../kit/seed.ts'
import { toyToken, withToyUsers } from '../../kit/toy-dialect/calls.ts'
import { TOY } from '../../kit/toy-dialect/module.ts'
import { assertRefusal, type Shape } from './shapes.ts'

/** Tokens of every dialect and kind that no hostile request may touch. */
export type Victims = {
  readonly chat: string
  readonly assigned: string
  readonly root: string
  readonly eve: string
  /** An ordinary user's, who has no rights over others. */
  readonly bob: string
  readonly access: string
  readonly refresh: string
  readonly other: string
  readonly toy: string
}

export const VICTIM = 'victim'

/** Dialects that get malformed requests: the server's, and one that it does not know. */
export const HOSTILE_MODULES: readonly DialectModule[] = [...MODULES, TOY]

/** A request; its line lacks only the version. */
export type Sent = {
  readonly line: string
  readonly headers: readonly string[]
  readonly body?: string | Buffer
}

export function sentBytes({ line, headers, body }: Sent): Buffer {
  return requestBytes({ line: `${line} HTTP/1.1`, headers, ...(body === undefined ? {} : { body }) })
}

/** A server with live tokens, which counts the hostile requests. */
export class HostileWorld {
  readonly server: TestServer
  readonly calls: Calls
  readonly victims: Victims
  readonly #connection: RawConnection
  #inputs = 0

  private constructor(server: TestServer, calls: Calls, victims: Victims) {
    this.server = server
    this.calls = calls
    this.victims = victims
    this.#connection = new RawConnection(server.port)
  }

  static async open(): Promise<HostileWorld> {
    const server = await openServer({
      modules: HOSTILE_MODULES,
      seed: withToyUsers(SEED),
      time: 'hand',
      flags: ['--identity-rate', '0'],
    })
    const calls = new Calls(server.port)
    const grant = await calls.oauthGrant(VICTIM)
    const victims = {
      chat: await calls.chatToken(VICTIM),
      assigned: await calls.chatBound(VICTIM, 'assigned-to-the-victim'),
      root: await calls.identityToken(ROOT),
      eve: await calls.identityToken(EVE),
      bob: await calls.identityToken(BOB),
      ...grant,
      other: await calls.oauthToken(OTHER),
      toy: await toyToken(calls),
    }
    return new HostileWorld(server, calls, victims)
  }

  get inputs(): number {
    return this.#inputs
  }

  get writes(): number {
    return this.server.power.writes
  }

  /** Sends a request on a kept connection, and counts it. */
  async send(bytes: Buffer): Promise<RawAnswer> {
    this.#inputs += 1
    return this.#connection.exchange(bytes)
  }

  /** Sends one or more requests on a connection that the server must end. */
  async sendAll(bytes: Buffer): Promise<readonly RawAnswer[]> {
    this.#inputs += 1
    const connection = new RawConnection(this.server.port)
    return connection.exchangeAll(bytes).finally(() => connection.close())
  }

  /** A request that must be refused in these formats and write nothing. */
  async refused(bytes: Buffer, shapes: readonly Shape[], what: string): Promise<RawAnswer> {
    const before = this.writes
    const answer = await this.send(bytes)
    assertRefusal(answer, shapes, what)
    assert.equal(this.writes, before, `something was written: ${what}`)
    return answer
  }

  refusedSent(sent: Sent, shape: Shape): Promise<RawAnswer> {
    return this.refused(sentBytes(sent), [shape], `${sent.line} ${String(sent.body ?? '').slice(0, 200)}`)
  }

  /** Checks by reading that the victims' tokens are still live on all paths. */
  async assertVictimsLive(): Promise<void> {
    const { chat, assigned, root, eve, bob, access, refresh, other, toy } = this.victims
    for (const token of [chat, assigned]) assert.equal((await this.calls.chatMe(token)).status, 200)
    for (const token of [root, eve, bob])
      assert.equal((await this.calls.identity('GET', root, token)).status, 200)
    assert.equal((await this.calls.send('GET /toy/me', [`X-Toy-Token: ${toy}`])).status, 200)
    for (const token of [access, refresh]) assert.equal(await this.calls.isActive(SVC, token), true)
    // A refresh token is visible only to its own client.
    for (const token of [chat, assigned, root, eve, bob, access, other, toy])
      assert.equal(await this.calls.isActive(GATEWAY, token), true)
    assert.equal(await this.calls.isActive(OTHER, other), true)
    assert.deepEqual(Object.keys(Object.prototype), [], 'no prototype was polluted')
  }

  async close(): Promise<void> {
    this.#connection.close()
    this.calls.close()
    await this.server.close()
  }
}
