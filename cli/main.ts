import * as nodeModule from 'node:module'
import { fileURLToPath } from 'node:url'
import { tooOld } from './node-release.ts'

const old = tooOld(process.versions.node)
if (old !== undefined) {
  process.stderr.write(`rescind: ${old}\n`)
  process.exit(2)
}

/**
 * Signals that a server ignores. Without a listener USR1 would open a debugger's port, by which all keys can be read, and
 * USR2 and HUP would end the process; `serve` has a use for HUP once it runs. Nothing is loaded before this, so the time
 * for which Node's own listeners stand is that of its own start; `--disable-sigusr1` takes even that away.
 */
const DEAF_TO = ['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const

// The files created here hold keys, digests and sealed text: only this user may read them.
process.umask(0o077)

if (process.argv[2] === 'serve') for (const signal of DEAF_TO) process.on(signal, () => {})

// Halves the loading time from the second start on. The cache is beside the code: a user who can write it can change the
// code as well, and if the folder is read-only there is no cache.
nodeModule.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/rescind', import.meta.url)))

const { runProcess } = await import('./process.ts')
void runProcess(process.argv.slice(2))
