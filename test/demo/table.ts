/** A row of the table; each column holds one or more lines. */
export type Row = readonly (readonly string[])[]

const GAP = '  '

/** Aligned text: every column as wide as its widest line, a rule under the heading and between rows. */
export function tableText(heading: readonly string[], rows: readonly Row[]): string {
  const all: readonly Row[] = [heading.map((title) => [title]), ...rows]
  const widths = heading.map((_, column) =>
    Math.max(...all.flatMap((row) => (row[column] ?? []).map((line) => line.length))),
  )
  const rule = widths.map((width) => '-'.repeat(width)).join(GAP)
  return all.map((row) => [...linesOf(row, widths), rule].join('\n')).join('\n')
}

function linesOf(row: Row, widths: readonly number[]): readonly string[] {
  const height = Math.max(...row.map((cell) => cell.length))
  return Array.from({ length: height }, (_, line) =>
    widths
      .map((width, column) => (row[column]?.[line] ?? '').padEnd(width))
      .join(GAP)
      .trimEnd(),
  )
}
