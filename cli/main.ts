#!/usr/bin/env node
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'
import { startOverWithAllocator } from './allocator.ts'
import { tooOld } from './node-release.ts'

const old = tooOld(process.versions.node)
if (old !== undefined) {
  process.stderr.write(`rescind: ${old}\n`)
  process.exit(2)
}

/**
 * Signals that a server takes, and that would open a debugger's port (USR1) or end it at once (USR2; HUP, for which
 * `serve` has a use once it runs).
 */
const DEAF_TO = ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const

// What is written here is keys, digests and sealed text: nobody else's to read.
process.umask(0o077)

if (process.argv[2] === 'serve') for (const signal of DEAF_TO) process.on(signal, () => {})

// Before anything else is loaded, for all of it would be loaded twice.
if (process.argv[2] === 'serve') startOverWithAllocator()

// Halves what loading takes from the second start on. The cache stands beside the code: whoever could write into it
// could write the code, too, and where nobody can there is none.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/rescind', import.meta.url)))

const [{ isOutage, SettingsRefused, StoreRefused }, { run }] = await Promise.all([
  import('@rescind/core'),
  import('./run.ts'),
])

run(process.argv.slice(2)).catch((error: unknown) => {
  // A store that cannot be read, or not now, is no fault of this program.
  if (error instanceof SettingsRefused || error instanceof StoreRefused || isOutage(error)) {
    process.stderr.write(`rescind: ${error.message}\n`)
    process.exit(2)
  }
  throw error
})
