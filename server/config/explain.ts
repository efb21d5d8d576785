import { withoutPassword } from '@rescind/stores'
import type { Origin, Values } from './sources.ts'

type Explained = { readonly name: string; readonly value: string; readonly origin: Origin }

/** Every setting, in the order of listings. Secrets show only whether they are set. */
export function explainedSettings(values: Values): readonly Explained[] {
  return [...values].map(([name, { setting, value, origin }]) => {
    const text =
      value === undefined ? '(none)' : setting.isSecret ? '(set, not shown)' : withoutPassword(value)
    return { name, value: text, origin }
  })
}

/** The same, one line per setting. */
export function explainSettings(values: Values): string {
  const rows = explainedSettings(values).map(({ name, value, origin }) => [name, value, origin] as const)
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows
    .map(
      ([name, text, origin]) => `${name.padEnd(widths[0] ?? 0)}  ${text.padEnd(widths[1] ?? 0)}  ${origin}`,
    )
    .join('\n')
}
