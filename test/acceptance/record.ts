import { readFileSync, writeFileSync } from 'node:fs'
import { parseTranscript, recordTranscript } from './transcript.ts'

/**
 * Plays transcripts and writes down the current answers, after an intended change of the wire: `node
 * test/acceptance/record.ts test/acceptance/transcripts/chat/get-me.http …`. Read the diff line by line before
 * committing it.
 */
for (const path of process.argv.slice(2)) {
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, await recordTranscript(text, parseTranscript(text)))
}
