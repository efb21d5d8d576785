import { chmodSync, copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Making } from './emit.ts'

/**
 * Bundles the command line with the server into dist/: our own rooms inside, run-time dependencies outside. What main.ts
 * imports while it runs becomes files of its own: imported at the top, dependencies would load before its first line.
 */
export async function bundle({ root, stage, outside }: Making): Promise<void> {
  const outdir = join(stage, 'dist')
  await build({
    absWorkingDir: root,
    entryPoints: [
      { in: 'cli/main.ts', out: 'main' },
      { in: 'stores/sqlite/writer-thread.ts', out: 'writer-thread' },
      { in: 'stores/sqlite/reader-thread.ts', out: 'reader-thread' },
    ],
    outdir,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: [...outside],
    logLevel: 'warning',
  })
  const bin = join(stage, 'bin')
  mkdirSync(bin)
  copyFileSync(join(root, 'cli/bin/rescind.js'), join(bin, 'rescind.js'))
  chmodSync(join(bin, 'rescind.js'), 0o755)
}
