// Bundles the command line with the server into dist/: our own rooms inside, run-time dependencies outside.
import { chmodSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const outdir = `${root}cli/dist`

rmSync(outdir, { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'cli/main.ts', out: 'main' },
    { in: 'stores/sqlite/writer-thread.ts', out: 'writer-thread' },
    { in: 'stores/sqlite/reader-thread.ts', out: 'reader-thread' },
  ],
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  conditions: ['rescind-source'],
  external: ['fastify', 'pino', 'prom-client', 'zod'],
  logLevel: 'warning',
})
chmodSync(`${outdir}/main.js`, 0o755)
