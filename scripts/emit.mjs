// Emits what a published room is made of: dist/*.js and .d.ts beside them. Node strips no types inside node_modules.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const room = process.argv[2] ?? ''
const root = fileURLToPath(new URL('..', import.meta.url))
const config = `${root}${room}/tsconfig.emit.json`

rmSync(`${root}${room}/dist`, { recursive: true, force: true })
writeFileSync(
  config,
  JSON.stringify({
    extends: '../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      outDir: './dist',
      rootDir: '.',
      rewriteRelativeImportExtensions: true,
      allowImportingTsExtensions: false,
    },
    include: ['./**/*.ts'],
    exclude: ['./**/*.test.ts', './dist'],
  }),
)
const { status } = spawnSync('tsc', ['-p', config], { stdio: 'inherit', cwd: root })
rmSync(config)
process.exit(status ?? 1)
