import { coversWords } from '../../remote/covers-words.ts'
import { type Members, membersOf, textOf } from '../../remote/members.ts'

/** A row of the log by the columns of its table. Who, why and from where are gone once the audit text has expired. */
export function logRow(row: Members): Members {
  const audit = membersOf(row['audit'])
  const why = textOf(audit['why'])
  return {
    ...{ seq: row['seq'], at: row['at'], what: whatWords(row) },
    ...{ by: byWords(audit), call: audit['how'], from: audit['from'] },
    ...(why === '' ? {} : { why }),
  }
}

function byWords({ by, byName, byOwner }: Members): string | undefined {
  const owner = textOf(byOwner)
  const name = textOf(byName) || textOf(by)
  if (name === '') return undefined
  return owner === '' ? name : `${name} (${owner})`
}

function whatWords(row: Members): string {
  const kind = textOf(row['kind'])
  const rule = membersOf(row['rule'])
  const collection = textOf(rule['collection'])
  if (rule['target'] !== undefined) return `${kind} ${coversWords(membersOf(rule['target']))}`
  return [kind, collection, textOf(rule['id'])].filter((text) => text !== '').join(' ')
}
