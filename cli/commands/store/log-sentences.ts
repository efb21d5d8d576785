import type { LogFault } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { Checked } from '@rescind/server'

/** What the check of a log found, with its realm and row. */
export function sentenceOn(checked: Checked): string {
  switch (checked.kind) {
    case 'right':
      return `${checked.realm}: right: ${checked.rows} rows up to ${checked.seq}, chain ${checked.chain}`
    case 'wrong':
      return `${checked.realm}: WRONG at row ${checked.fault.seq}: ${wordsFor(checked.fault)}`
    case 'unreadable':
      return `WRONG at line ${checked.line}: ${checked.why}`
    default:
      return unreachable(checked)
  }
}

export function wordsFor({ what }: LogFault): string {
  switch (what) {
    case 'missing':
      return 'it is missing'
    case 'doubled':
      return 'it is repeated here, or does not belong here'
    case 'altered':
      return 'it is not the row that was written'
    case 'audit-altered':
      return 'its audit text is not the one that was written'
    case 'not-the-log':
      return 'the log differs from a known checkpoint here: rows were cut off, or all were rewritten'
    case 'anchor-altered':
      return 'the log does not begin where the server trimmed it, or rules kept from before were changed'
    default:
      return unreachable(what)
  }
}
