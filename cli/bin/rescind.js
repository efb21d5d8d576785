#!/usr/bin/env node
// In a clone this runs the sources, under the Node.js that the clone brings; in the published package, what they were compiled to.
import { existsSync } from 'node:fs'

const source = new URL('../main.ts', import.meta.url)
const main = existsSync(source) ? source : new URL('../dist/main.js', import.meta.url)
try {
  await import(main.href)
} catch (error) {
  if (error?.code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error
  process.stderr.write(
    `rescind: Node.js ${process.versions.node} cannot run sources: use "npm exec rescind -- …", which brings its own\n`,
  )
  process.exit(2)
}
