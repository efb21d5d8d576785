import { before, test } from 'node:test'
import { requirePrograms } from './folder.ts'
import { pages } from './pages.ts'
import { runPage } from './run-page.ts'

before(requirePrograms)

for (const { path, isSlow } of pages())
  if (!isSlow)
    test(`${path}: every command does what the page says`, async (t) => {
      await runPage(path, (text) => t.diagnostic(text))
    })
