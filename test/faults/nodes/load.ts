import type { Calls } from '../kit/calls.ts'
import { identityTokenIn } from '../kit/calls.ts'
import type { Dice } from '../kit/dice.ts'
import type { HttpAnswer } from '../kit/plain-http.ts'
import type { Cluster, DrillNode } from './cluster.ts'
import { type History, Scope, type Token } from './history.ts'
import { look, pathsOf, timed, Unexpected } from './looks.ts'
import { type Grant, Principal } from './principals.ts'
import { ADMIN, USERS } from './seed.ts'

const SUBJECTS = 12
const CHAT_CLIENTS = 8
const ATTEMPTS = 6
/** Not logged in; and a conflict with a hold. */
const MAY_BE_BEHIND: readonly number[] = [401, 403, 409]
/** Tokens of a scope that are looked at when it is over. */
const PROBED = 3
const PROBES_MAX = 400

export type LoadOptions = { readonly cluster: Cluster; readonly history: History; readonly dice: Dice }

/** What the clients know, and what they do with it; they go to a random node each time. */
export class Load {
  readonly history: History
  readonly dice: Dice
  readonly subjects: Principal[] = []
  readonly chatClients: Principal[] = []
  readonly users: Principal[] = []
  readonly grants: Grant[] = []
  readonly #cluster: Cluster
  readonly #tokensOf: Map<Scope, Token[]> = new Map()
  readonly #probes: Set<Promise<void>> = new Set()
  #admin = ''
  #named = 0

  constructor({ cluster, history, dice }: LoadOptions) {
    this.#cluster = cluster
    this.history = history
    this.dice = dice
    for (let nth = 0; nth < SUBJECTS; nth += 1) this.subjects.push(new Principal(this.name('subject')))
    for (let nth = 0; nth < CHAT_CLIENTS; nth += 1) this.chatClients.push(new Principal(this.name('client')))
    for (const user of USERS) this.users.push(new Principal(`user ${user.id}`, user))
  }

  get admin(): string {
    return this.#admin
  }

  /** Before any fault. */
  async logIn(): Promise<void> {
    this.#admin = identityTokenIn(await login(this.node().calls, ADMIN))
  }

  name(of: string): string {
    this.#named += 1
    return `${of}-${this.#named}`
  }

  get nodes(): readonly DrillNode[] {
    return this.#cluster.nodes
  }

  node(): DrillNode {
    return this.nodes[this.dice.below(this.nodes.length)] as DrillNode
  }

  one<T>(of: readonly T[]): T | undefined {
    return of[this.dice.below(of.length)]
  }

  /** One that can be used now. Another takes the place of one that is lost, if it is no user of the seed. */
  clear(of: Principal[]): Principal | undefined {
    const at = this.dice.below(of.length)
    const found = of[at]
    if (found?.isLost === true && found.user === undefined)
      of[at] = new Principal(this.name(found.id.replace(/-\d+$/, '')))
    return found?.isClear === true ? found : undefined
  }

  /** Issues something of this principal; nothing is noted if a cutoff was under way meanwhile. */
  async mint(
    principal: Principal,
    ask: (calls: Calls) => Promise<HttpAnswer>,
    keep: (answer: HttpAnswer, answeredMs: number) => void,
  ): Promise<void> {
    const { scope } = principal
    const { answer, answeredMs } = await timed(() => ask(this.node().calls))
    this.history.count(`issue ${answer?.status ?? 'unknown'}`)
    // A node may have yet to hear that the user is enabled again, or that a hold is released.
    if (answer === undefined || MAY_BE_BEHIND.includes(answer.status)) return
    if (!principal.isClear || principal.scope !== scope) return
    if (answer.status > 201) throw new Unexpected(`an issue was answered ${answer.status} ${answer.text}`)
    keep(answer, answeredMs)
  }

  issued(token: NewToken, atMs: number): Token {
    const made = this.history.issued({ ...token, scopes: [new Scope('itself'), ...token.scopes] }, atMs)
    for (const scope of made.scopes) this.#tokensOf.set(scope, [...(this.#tokensOf.get(scope) ?? []), made])
    return made
  }

  /** Asks until an answer acknowledges it. @returns whether the first one did. */
  async end(scope: Scope, ending: Ending): Promise<'at once' | 'later' | 'never'> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const node = ending.node ?? this.node()
      scope.asked(performance.now())
      const { answer, answeredMs } = await this.#asked(scope, `${ending.how} at ${node.name}`, () =>
        ending.ask(node.calls),
      )
      this.history.count(`${ending.how} ${answer?.status ?? 'unknown'}`)
      if (answer !== undefined && ending.done.includes(answer.status)) {
        scope.acknowledged(answeredMs)
        this.probe(scope)
        return attempt === 0 ? 'at once' : 'later'
      }
      if (answer !== undefined && ending.nothing.includes(answer.status)) return 'never'
      if (answer !== undefined && answer.status !== 409)
        throw new Unexpected(`${ending.how}: ${answer.status} ${answer.text}`)
    }
    return 'never'
  }

  async #asked(scope: Scope, what: string, ask: () => Promise<HttpAnswer>): ReturnType<typeof timed> {
    const done = await timed(ask)
    const { sentMs, answeredMs, answer } = done
    scope.tell(answeredMs, `${what}: ${answer?.status ?? 'unknown'}, asked at ${Math.round(sentMs)}`)
    return done
  }

  /** Asks every node at once, without waiting for their answers. */
  probe(scope: Scope): void {
    for (const token of this.dice.sample(this.#tokensOf.get(scope) ?? [], PROBED))
      for (const node of this.#cluster.nodes) this.#lookLater(token, node)
  }

  #lookLater(token: Token, node: DrillNode): void {
    if (this.#probes.size >= PROBES_MAX) return
    const probe = this.look(token, node).finally(() => this.#probes.delete(probe))
    this.#probes.add(probe)
  }

  async look(token: Token, node: DrillNode): Promise<void> {
    const paths = pathsOf(token)
    const path = paths[this.dice.below(paths.length)]
    if (path === undefined) return
    try {
      this.history.saw(token, await look(token, { node, path, admin: this.#admin }))
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error
      this.history.violation(error.message, token, `${path.name} at ${node.name}`)
    }
  }

  async probed(): Promise<void> {
    await Promise.all(this.#probes)
  }
}

/** A token as it is issued; a scope of its own comes first in what is made of it. */
export type NewToken = Omit<Token, 'name' | 'told'>

export type Ending = {
  readonly how: string
  readonly ask: (calls: Calls) => Promise<HttpAnswer>
  /** Statuses that acknowledge it. */
  readonly done: readonly number[]
  /** Statuses that say that there is nothing to end. */
  readonly nothing: readonly number[]
  readonly node?: DrillNode
}

export function login(
  calls: Calls,
  { username, apiKey }: { username: string; apiKey: string },
): Promise<HttpAnswer> {
  const value = { auth: { 'RAX-KSKEY:apiKeyCredentials': { username, apiKey } } }
  return calls.json({ method: 'POST', path: '/v2.0/tokens', headers: {}, value })
}

export function ownScope({ scopes }: Token): Scope {
  const [own] = scopes
  if (own === undefined) throw new Error('a token without a scope')
  return own
}
