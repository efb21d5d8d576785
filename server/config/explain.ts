import { withoutPassword } from '@rescind/stores'
import type { Setting } from './setting.ts'
import type { Values } from './sources.ts'

/** One line per setting: name, value, origin. Secrets show only whether they are set. */
export function explainSettings(values: Values): string {
  const rows = [...values].map(([name, { setting, value, origin }]) => {
    const text =
      value === undefined ? '(none)' : setting.isSecret ? '(set, not shown)' : withoutPassword(value)
    return [name, text, origin] as const
  })
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      ([name, text, origin]) => `${name.padEnd(widths[0] ?? 0)}  ${text.padEnd(widths[1] ?? 0)}  ${origin}`,
    )
    .join('\n')
}

/** Two lines per setting that has a flag: the flag and what it means, then its variable and its default. */
export function flagLines(settings: readonly Setting[]): readonly string[] {
  return settings.flatMap(({ flag, environment, fallback, help }) => {
    if (flag === undefined) return []
    const preset = fallback === undefined ? '' : `, default ${fallback}`
    return [`  ${flag.padEnd(20)} ${help}`, `  ${''.padEnd(20)} (${environment}${preset})`]
  })
}
