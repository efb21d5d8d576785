import { type Fence, fencesOf } from '../pages/fences.ts'
import { files, read } from '../tidy/tree.ts'

export type Program = { readonly page: string; readonly line: number; readonly text: string }

/** Every program that a page shows, each a module of its own. */
export function programsOfPages(): readonly Program[] {
  return files()
    .filter((path) => path.endsWith('.md'))
    .flatMap((page) =>
      fencesOf(read(page).text)
        .filter(isProgram)
        .map(({ line, text }) => ({ page, line, text })),
    )
}

function isProgram({ language }: Fence): boolean {
  return language === 'js' || language === 'ts'
}

/** A file whose name leads to the page, and whose line numbers are the page's, so that a compiler's complaint does. */
export function fileOf({ page, line, text }: Program): { readonly name: string; readonly text: string } {
  return { name: `${page.replaceAll('/', '-')}-${line}.ts`, text: `${'\n'.repeat(line - 1)}${text}\n` }
}
