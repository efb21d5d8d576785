import { files, read } from '../tidy/tree.ts'
import { type Demands, demandsOf } from './plan.ts'

export type Page = { readonly path: string } & Demands

/** Every page of the repository: a new one is run without being listed. */
export function pages(): readonly Page[] {
  return files()
    .filter((path) => path.endsWith('.md'))
    .map((path) => ({ path, ...demandsOf(read(path).text) }))
}
