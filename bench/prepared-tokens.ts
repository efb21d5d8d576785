import { runLoad } from './load.ts'
import { expectStatus, textAfter } from './protocol.ts'
import { jsonPost } from './requests.ts'
import { CHAT, OPERATOR, USER } from './seed.ts'

/** Enough tokens that a cache of one token is not measured. */
const COUNT = 1_000
const CONNECTIONS = 16

/** Tokens of the other dialects, issued once before anything is timed, and presented in turn. */
export type PreparedTokens = {
  readonly operator: string
  readonly identity: readonly string[]
  readonly chat: readonly string[]
}

export const NO_TOKENS: PreparedTokens = { operator: 'none', identity: ['none'], chat: ['none'] }

/** Identity tokens of one user, chat tokens of as many clients, and the token of an operator who may validate. */
export async function prepareTokens(port: number, count: number = COUNT): Promise<PreparedTokens> {
  const login = (credentials: object) => () =>
    jsonPost('/v2.0/tokens', [], { auth: { 'RAX-KSKEY:apiKeyCredentials': credentials } })
  const client = (n: number): Buffer =>
    jsonPost('/admin/clients', [`IM-API-KEY: ${CHAT.apiKey}`], { _id: `client-${n}`, issueAccessToken: true })
  const identityText = '"token":{"id":"'
  const [operator = ''] = await collect({ port, count: 1, request: login(OPERATOR), before: identityText })
  const identity = await collect({ port, count, request: login(USER), before: identityText })
  const chat = await collect({ port, count, request: client, before: '"token":"' })
  return { operator, identity, chat }
}

type Collected = {
  readonly port: number
  readonly count: number
  readonly request: (n: number) => Buffer
  /** The text before a token in an answer. */
  readonly before: string
}

async function collect({ port, count, request, before }: Collected): Promise<readonly string[]> {
  const tokens: string[] = []
  await runLoad({
    port,
    connections: Math.min(CONNECTIONS, count),
    count,
    request,
    check: (n, response) => {
      expectStatus(response, 200)
      tokens[n] = textAfter(response, before)
    },
  })
  return tokens
}
