import { conformancePage } from '../acceptance/conformance/page.ts'
import type { Page } from './markdown.ts'
import { settingsPage } from './settings.ts'

/** Every page that `npm run docs` writes. */
export async function pages(): Promise<readonly Page[]> {
  return [settingsPage(), conformancePage()]
}
