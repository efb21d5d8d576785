import { readFileSync } from 'node:fs'

export type PageTable = { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }

/** The table below a heading of a page in `docs/`. */
export function tableUnder(page: string, heading: string): PageTable {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const [, section = ''] = text.split(`## ${heading}\n`)
  const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'))
  const [columns = [], , ...rows] = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
  return { columns, rows }
}
