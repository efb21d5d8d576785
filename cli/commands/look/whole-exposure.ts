import type { Client, ControlPath } from '../../remote/client.ts'
import { listOf, type Members, membersOf, textOf } from '../../remote/members.ts'

/** Tokens that are shown; a file of evidence holds as many. */
const TOKENS_MAX = 1_000

type Options = { readonly since?: string | undefined; readonly accept?: readonly number[] }

/**
 * Who accepted what a revocation covers: the pages as one answer. `truncated` when there is more.
 * @returns an empty object for a status that is accepted. @throws Refused, CommandFailed.
 */
export async function wholeExposure(
  client: Client,
  path: ControlPath,
  { since, accept = [] }: Options,
): Promise<Members> {
  const tokens: Members[] = []
  let whole: Members = {}
  let cursor: string | undefined
  do {
    const { status, json } = await client.get(path, { query: { since, cursor }, accept })
    if (status !== 200) return {}
    const page = membersOf(json)
    tokens.push(...listOf(page['tokens']))
    cursor = textOf(page['next']) || undefined
    const { next: _next, ...rest } = page
    whole = { ...rest, tokens: tokens.slice(0, TOKENS_MAX) }
  } while (cursor !== undefined && tokens.length < TOKENS_MAX)
  return cursor === undefined && tokens.length <= TOKENS_MAX ? whole : { ...whole, truncated: true }
}
