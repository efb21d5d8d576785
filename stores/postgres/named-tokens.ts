import type { NamedTokensAsk, TokenPage } from '@rescind/authority'
import { bearsNames, NAMES_UNKNOWN } from '@rescind/authority/names'
import type { RealmOrdinal } from '@rescind/core'
import type { TokenRow } from '../token-facts.ts'
import { tokenOfScan } from '../token-record.ts'
import type { Reads } from './reads.ts'
import { TOKEN_COLUMNS } from './rows.ts'

/** Sets of several names that are looked up at once. */
const SETS_MAX = 100

/** The page is of tokens that are still there; `last` and `more` tell about all candidates. */
const SQL = `WITH found AS MATERIALIZED (SELECT rescind.named_1($1, $2, $3, $4, $5) AS all_of)
  SELECT found.all_of IS NOT NULL, cardinality(found.all_of) > $6, found.all_of[$6], t.number, ${TOKEN_COLUMNS}
  FROM found LEFT JOIN LATERAL (SELECT one.* FROM unnest(found.all_of[1:$6]) AS n
    CROSS JOIN LATERAL (SELECT * FROM rescind.token k WHERE k.realm = $1 AND k.number = n) one) t ON true
  ORDER BY t.number`

type Row = readonly [
  isReady: boolean,
  more: boolean | null,
  last: number | null,
  number: number | null,
  ...TokenRow,
]

export async function tokensNamed(
  reads: Reads,
  realm: RealmOrdinal,
  { after = 0, limit, ...sought }: NamedTokensAsk,
): Promise<TokenPage | undefined> {
  // PostgreSQL cannot read facts with a NUL, so tokens with such names are among those whose names are unknown.
  const sets = sought.anyOf
    .filter((set) => !set.some((name) => name.includes('\0')))
    .map((set) => set.map((name) => name.toWellFormed()))
  const several = sets.filter(({ length }) => length > 1)
  if (several.length > SETS_MAX) return undefined
  const ones = sets.flatMap((set) => (set.length === 1 ? set : []))
  const handles = sought.handles.filter((handle) => !handle.includes('\0'))
  const values = [realm, after, [...ones, NAMES_UNKNOWN], JSON.stringify(several), handles, limit]
  const rows = await reads.rows<Row>(SQL, values, 'pages')
  const [first] = rows
  if (first?.[0] !== true) return undefined
  const records = rows.flatMap(([, , , number, ...token]) => (number === null ? [] : tokenOfScan(token)))
  return {
    records: records.filter((record) => bearsNames(record, sought)),
    next: first[1] === true ? (first[2] ?? undefined) : undefined,
  }
}
