import { conformancePage } from '../acceptance/conformance/page.ts'
import { commandsPage } from './commands.ts'
import { errorsPage } from './errors.ts'
import { logRowsPage } from './log-rows.ts'
import type { Page } from './markdown.ts'
import { metricsPage } from './metrics.ts'
import { routesPage } from './routes.ts'
import { settingsPage } from './settings.ts'
import { tokensPage } from './tokens.ts'
import { verdictsPage } from './verdicts.ts'

/** Every page that `npm run docs` writes. */
export function pages(): readonly Page[] {
  return [
    commandsPage(),
    settingsPage(),
    routesPage(),
    errorsPage(),
    tokensPage(),
    verdictsPage(),
    logRowsPage(),
    metricsPage(),
    conformancePage(),
  ]
}
