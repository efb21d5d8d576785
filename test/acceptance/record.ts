import { readFileSync, writeFileSync } from 'node:fs'
import { parseTranscript, recordTranscript } from './transcript.ts'

/**
 * Plays transcripts and writes down what is answered now, for a change of the wire that is meant:
 * `node test/acceptance/record.ts test/acceptance/transcripts/chat/get-me.http …`. What it changes
 * is read line by line before it is committed.
 */
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, await recordTranscript(text, parseTranscript(text)))
}
