import { readFileSync } from 'node:fs'

/** The version of the package that this file belongs to. */
export function version(): string {
  // In the published package this file is bundled in dist/, one folder deeper.
  const manifest = import.meta.url.endsWith('.ts') ? './package.json' : '../package.json'
  const text = readFileSync(new URL(manifest, import.meta.url), 'utf8')
  const parsed: unknown = JSON.parse(text)
  const found =
    typeof parsed === 'object' && parsed !== null && 'version' in parsed ? parsed.version : undefined
  return typeof found === 'string' ? found : 'unknown'
}
