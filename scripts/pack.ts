// Makes the tarballs of what is published: npm run pack -- FOLDER [--repository URL]
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle } from './bundle.ts'
import { emit } from './emit.ts'
import { type Manifest, publishedManifest } from './manifest.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MAKERS = { core: emit, verifier: emit, cli: bundle } as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { repository: { type: 'string' } },
})
const folder = resolve(positionals[0] ?? '.')
const repository = values.repository ?? originOf(ROOT)

for (const [room, make] of Object.entries(MAKERS)) {
  // A manifest in the clone leads to sources, so the package is laid out elsewhere, with a manifest of its own.
  const stage = mkdtempSync(join(tmpdir(), `rescind-${room}-`))
  try {
    const own = JSON.parse(readFileSync(join(ROOT, room, 'package.json'), 'utf8')) as Manifest
    await make({ root: ROOT, room, stage, outside: Object.keys(own.dependencies ?? {}) })
    const manifest = publishedManifest(own, { room, repository })
    writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`)
    copyFileSync(join(ROOT, room, 'README.md'), join(stage, 'README.md'))
    copyFileSync(join(ROOT, 'LICENSE'), join(stage, 'LICENSE'))
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
      cwd: stage,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** Where this clone came from, unless that is a folder of this machine. */
function originOf(clone: string): string | undefined {
  try {
    const origin = execFileSync('git', ['config', '--get', 'remote.origin.url'], {
      cwd: clone,
      encoding: 'utf8',
    }).trim()
    return /^(?:https|ssh):|^git@/.test(origin) ? origin : undefined
  } catch {
    return undefined
  }
}
