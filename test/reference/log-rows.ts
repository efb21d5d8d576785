import { ROW_KIND_NAMES, ROW_KINDS } from '@rescind/core/log'
import { code, markdown, type Page, table, WRITTEN, yes } from './markdown.ts'

export function logRowsPage(): Page {
  return {
    path: 'reference/log-rows.md',
    text: markdown([
      '# Kinds of log rows',
      `A realm's log holds rows of these kinds. ${WRITTEN}`,
      `[ARCHITECTURE.md](../../ARCHITECTURE.md#the-log-and-the-index) says how rows are chained and folded,
[audit.md](../audit.md) how they are read and exported, and [backup.md](../run/backup.md) what a restore does with a side log.`,
      `**Code**: the number by which a row is stored, chained and sent. **Turns verdicts**: tokens that were judged before it are
judged again. **Salvaged**: a restore carries it over from a side log even where that does not fit the backup. A reader
that meets a code that is not in this table stops there; it never skips a row.`,
      table(
        ['kind', 'code', 'what it says', 'turns verdicts', 'salvaged', 'when the log is trimmed'],
        ROW_KIND_NAMES.map((kind) => {
          const { code: number, what, turnsVerdicts, isSalvaged, onTrim } = ROW_KINDS[kind]
          return [code(kind), String(number), what, yes(turnsVerdicts), yes(isSalvaged), onTrim]
        }),
      ),
    ]),
  }
}
