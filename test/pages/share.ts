import { before, test } from 'node:test'
import { requirePrograms } from './folder.ts'
import { pages } from './pages.ts'
import { runPage } from './run-page.ts'

/** Runs one of so many shares of the quick pages; each share is a test file, so that they run beside each other. */
export function testShare({ nth, of }: { readonly nth: number; readonly of: number }): void {
  before(requirePrograms)
  // Only pages with commands take long: they are dealt out in turns.
  const quick = pages().filter(({ isSlow }) => !isSlow)
  const dealt = [...quick.filter(({ runs }) => runs), ...quick.filter(({ runs }) => !runs)]
  for (const { path } of dealt.filter((_page, place) => place % of === nth))
    test(`${path}: every command does what the page says`, async (t) => {
      await runPage(path, (text) => t.diagnostic(text))
    })
}
