/** What a generated page is made of. */
export type Page = {
  /** Below `docs/`. */
  readonly path: string
  readonly text: string
}

/** Blocks of Markdown, an empty line between two. */
export function markdown(blocks: readonly string[]): string {
  return `${blocks.join('\n\n')}\n`
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, columns.map(() => '---'), ...rows]
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n')
}

/** A pipe would end the cell, and so would an empty line. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim()
}

export function code(text: string): string {
  return `\`${text}\``
}

export function codes(texts: Iterable<string>): string {
  return [...texts].map(code).join(', ')
}

/** The sentence under the title of every page that is written by the tool. */
export const WRITTEN =
  'This page is written by `npm run docs` from the tables in the code; edit those instead.'

export function yes(is: boolean): string {
  return is ? 'yes' : 'no'
}
