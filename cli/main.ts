#!/usr/bin/env node
import { SettingsRefused, StoreRefused } from '@rescind/core'
import { run } from './run.ts'

// What is written here is keys, digests and sealed text: nobody else's to read.
process.umask(0o077)

run(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof SettingsRefused || error instanceof StoreRefused) {
    process.stderr.write(`rescind: ${error.message}\n`)
    process.exit(2)
  }
  throw error
})
