import { readFileSync } from 'node:fs'

/** The version of this server. */
export function serverVersion(): string {
  // In the published package this file is bundled in dist/, so the manifest lies one folder up there as well.
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(text)
  const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest
  return isManifest && typeof manifest.version === 'string' ? manifest.version : 'unknown'
}
