import { conformancePage } from '../acceptance/conformance/page.ts'
import { logRowsPage } from './log-rows.ts'
import type { Page } from './markdown.ts'
import { metricsPage } from './metrics.ts'
import { settingsPage } from './settings.ts'
import { tokensPage } from './tokens.ts'
import { verdictsPage } from './verdicts.ts'

/** Every page that `npm run docs` writes. */
export async function pages(): Promise<readonly Page[]> {
  return [settingsPage(), verdictsPage(), logRowsPage(), tokensPage(), metricsPage(), conformancePage()]
}
