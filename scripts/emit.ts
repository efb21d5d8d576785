import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Making = {
  /** The folder of the clone. */
  readonly root: string
  readonly room: string
  /** The empty folder that becomes the package. */
  readonly stage: string
  /** Packages that are installed beside this one, not put into it. */
  readonly outside: readonly string[]
}

/** Compiles a room, file by file: *.js with *.d.ts beside them. Node strips no types inside node_modules. */
export async function emit({ root, room, stage }: Making): Promise<void> {
  const config = join(stage, 'tsconfig.json')
  const options = {
    noEmit: false,
    outDir: stage,
    rootDir: join(root, room),
    typeRoots: [join(root, 'node_modules/@types')],
    rewriteRelativeImportExtensions: true,
    allowImportingTsExtensions: false,
  }
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, 'tsconfig.json'),
      compilerOptions: options,
      include: [join(root, room, '**/*.ts')],
      exclude: [join(root, room, '**/*.test.ts')],
    }),
  )
  execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', config], { stdio: 'inherit' })
  rmSync(config)
  // The compiler keeps `.ts` in the imports of declarations, which older compilers do not resolve.
  for (const name of globSync('**/*.d.ts', { cwd: stage })) {
    const path = join(stage, name)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replaceAll(/(["'])(\.{1,2}\/[^"']*)\.ts\1/g, '$1$2.js$1'))
  }
}
