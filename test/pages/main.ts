import { runNamedPages, runSlowPages } from './slow-pages.ts'

/** `npm run test:pages`: the pages that `npm test` leaves out. `npm run test:pages -- PAGE…`: these. */
const named = process.argv.slice(2)

try {
  console.log(await (named.length === 0 ? runSlowPages() : runNamedPages(named)))
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
