#!/usr/bin/env node
import { startOverWithAllocator } from './allocator.ts'

// What is written here is keys, digests and sealed text: nobody else's to read.
process.umask(0o077)

// Before anything else is loaded, for all of it would be loaded twice.
if (process.argv[2] === 'serve') startOverWithAllocator()

const [{ SettingsRefused, StoreRefused }, { run }] = await Promise.all([
  import('@rescind/core'),
  import('./run.ts'),
])

run(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof SettingsRefused || error instanceof StoreRefused) {
    process.stderr.write(`rescind: ${error.message}\n`)
    process.exit(2)
  }
  throw error
})
