// A server for development, restarted on changes: npm run dev -- [--inspect…] [FLAGS of rescind serve]
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = 'rescind-data/dev'
/** A store that survives restarts, apart from that of `npm start`, and the keys that the README prints. */
const PRESET = {
  '--store': `sqlite:${FOLDER}/rescind.db`,
  '--master-key-file': `${FOLDER}/master.key`,
  '--seed': 'docs/quickstart.seed.json',
  '--log-level': 'debug',
}

const words = process.argv.slice(2)
const isOfNode = (word: string): boolean => /^--(?:inspect|watch)/.test(word)
const flags = words.filter((word) => !isOfNode(word))
const isGiven = (flag: string): boolean => flags.some((word) => word === flag || word.startsWith(`${flag}=`))
const preset = Object.entries(PRESET).filter(([flag]) => !isGiven(flag))

process.stderr.write(`
  FOR DEVELOPMENT ONLY: everybody knows the keys of this server.
  Its data is in ${FOLDER}. It starts anew when a source changes. Debug it with: npm run dev -- --inspect

`)
process.chdir(ROOT)
mkdirSync(FOLDER, { recursive: true, mode: 0o700 })
const node = ['--watch', '--watch-preserve-output', ...words.filter(isOfNode)]
// In the place of this process, so that signals and the terminal are the server's own.
process.execve?.(process.execPath, [
  process.execPath,
  ...node,
  'cli/main.ts',
  'serve',
  ...preset.flat(),
  ...flags,
])
