import { markdown, type Page, table } from '../../reference/markdown.ts'
import type { Clause } from './clause.ts'
import { RFC6749 } from './rfc6749.ts'
import { RFC7009 } from './rfc7009.ts'
import { RFC7523 } from './rfc7523.ts'
import { RFC7662 } from './rfc7662.ts'
import { RFC8693 } from './rfc8693.ts'
import { RFC9068 } from './rfc9068.ts'

/** Every tested clause, in the order of the page. */
export const TABLES: readonly (readonly [string, readonly Clause[]])[] = [
  ['RFC 7009: revocation', RFC7009],
  ['RFC 7662: introspection', RFC7662],
  ['RFC 6749: the token endpoint (with RFC 7636 and RFC 8707)', RFC6749],
  ['RFC 9068: JWT access tokens (with RFC 9701)', RFC9068],
  ['RFC 8693: token exchange', RFC8693],
  ['RFC 7523: clients that sign', RFC7523],
]

export function conformancePage(): Page {
  const sections = TABLES.flatMap(([title, list]) => [
    `## ${title}`,
    table(
      ['clause', '', 'what is asked'],
      list.map(({ id, level, demand }) => [id, level, demand]),
    ),
  ])
  return { path: 'oauth-conformance.md', text: markdown([TITLE, HEAD, ...sections]) }
}

const TITLE = '# What the standards ask of the OAuth dialect, and where it is seen'

const HEAD = `Each line is a test of the same name (\`test/acceptance/oauth-conformance.test.ts\`); the demands are in our own words.
The page is written by \`npm run docs\`, and a test fails when it is not what the tests say.`
