import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseTranscript, playTranscript } from './transcript.ts'

const FOLDER = fileURLToPath(new URL('transcripts', import.meta.url))
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.http'))
  .sort()
  .filter((_name, place) => process.env['TRANSCRIPTS'] !== 'every-third' || place % 3 === 0)

for (const name of files) {
  const exchanges = parseTranscript(readFileSync(`${FOLDER}/${name}`, 'utf8'))
  test(`answers exactly as ${name} says, ${exchanges.length} exchanges`, () => playTranscript(exchanges))
}
