import { installPackages } from '../system/packages.ts'
import { requirePrograms } from './folder.ts'
import { type Page, pages } from './pages.ts'
import { runPage } from './run-page.ts'

/** Runs pages that need Debian packages, which are installed when this runs as root, or minutes. @throws what failed. */
export function runSlowPages(): Promise<string> {
  return runPages(pages().filter(({ isSlow }) => isSlow))
}

/** @throws what failed, and for a path that is no page. */
export function runNamedPages(paths: readonly string[]): Promise<string> {
  const known = pages().filter(({ path }) => paths.includes(path))
  const other = paths.find((path) => !known.some((page) => page.path === path))
  if (other !== undefined)
    throw new Error(`there is no page ${other}; a path begins at the root of the clone`)
  return runPages(known)
}

async function runPages(chosen: readonly Page[]): Promise<string> {
  requirePrograms()
  const missing = installPackages([...new Set(chosen.flatMap(({ needs }) => needs))])
  const failures: string[] = []
  for (const page of chosen) failures.push(...(await failureOf(page, missing)))
  if (failures.length > 0) throw new Error(failures.join('\n'))
  return `${chosen.length} pages`
}

async function failureOf({ path, needs }: Page, missing: readonly string[]): Promise<readonly string[]> {
  const lacking = needs.filter((name) => missing.includes(name))
  if (lacking.length > 0) {
    console.log(`skip  ${path}: as root: apt-get install ${lacking.join(' ')}`)
    return []
  }
  try {
    await runPage(path, (text) => console.log(`      ${text}`))
    console.log(`ok    ${path}`)
    return []
  } catch (error) {
    return [`FAIL  ${path}: ${error instanceof Error ? error.message : String(error)}`]
  }
}
