import { before, test } from 'node:test'
import { requirePrograms } from './folder.ts'
import { pages } from './pages.ts'
import { runPage } from './run-page.ts'

before(requirePrograms)

/** Pages that are being rewritten. */
const LATER = ['README.md', ...['backup', 'leak-response', 'manual'].map((one) => `docs/${one}.md`)]

for (const { path, isSlow } of pages())
  if (!isSlow && !LATER.includes(path))
    test(`${path}: every command does what the page says`, async (t) => {
      await runPage(path, (text) => t.diagnostic(text))
    })
