import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clause } from './clause.ts'
import { RFC6749 } from './rfc6749.ts'
import { RFC7009 } from './rfc7009.ts'
import { RFC7523 } from './rfc7523.ts'
import { RFC7662 } from './rfc7662.ts'
import { RFC8693 } from './rfc8693.ts'
import { RFC9068 } from './rfc9068.ts'

/** Every clause that is tested, in the order of the page. */
export const TABLES: readonly (readonly [string, readonly Clause[]])[] = [
  ['RFC 7009: revocation', RFC7009],
  ['RFC 7662: introspection', RFC7662],
  ['RFC 6749: the token endpoint (with RFC 7636 and RFC 8707)', RFC6749],
  ['RFC 9068: JWT access tokens (with RFC 9701)', RFC9068],
  ['RFC 8693: token exchange', RFC8693],
  ['RFC 7523: clients that sign', RFC7523],
]

export const PAGE: string = fileURLToPath(new URL('../../../docs/oauth-conformance.md', import.meta.url))

const HEAD = `# What the standards ask of the OAuth dialect, and where it is seen

Each line is a test of the same name (\`test/acceptance/oauth-conformance.test.ts\`); the demands are in our own words.
The page is written by \`npm run docs:conformance\`, and a test fails when it is not what the tests say.
`

export function page(): string {
  const parts = TABLES.map(([title, list]) => {
    const rows = list.map(({ id, level, demand }) => [id, level, demand.replaceAll('|', '\\|')])
    return `## ${title}\n\n${table([['clause', '', 'what is asked'], ...rows])}\n`
  })
  return [HEAD, ...parts].join('\n')
}

function table(rows: readonly (readonly string[])[]): string {
  const lines = rows.map((row) => `| ${row.join(' | ')} |`)
  lines.splice(1, 0, `| ${(rows[0] ?? []).map(() => '---').join(' | ')} |`)
  return lines.join('\n')
}

if (process.argv[2] === '--write') writeFileSync(PAGE, page())
