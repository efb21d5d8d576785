import assert from 'node:assert/strict'
import { test } from 'node:test'
import { read, type Source, sources } from './tree.ts'

/**
 * Words that had several meanings, or none outside this project, and the one that each of them gave way to (docs/words.md).
 * `but`: where a word is stored, sent, or somebody else's.
 */
const RETIRED: Readonly<Record<string, { readonly now: string; readonly but?: RegExp }>> = {
  cut: {
    now: 'cutoff, disconnect',
    but: /^core\/log\/target-bytes|^core\/revocations\/revocation-index|^authority\/log\/stored-target/,
  },
  cuts: { now: 'cutoff' },
  hygiene: { now: 'malformed request' },
  ladder: { now: 'role ranks' },
  lane: { now: 'commit queue, rate class, fast path' },
  lanes: { now: 'commit queue, rate class', but: /^server\/machine\/passwords/ },
  memo: { now: 'expiring entry', but: /^stores\/sqlite\// },
  memos: { now: 'expiring entry' },
  mouth: { now: 'mount' },
  outlet: { now: 'sink' },
  outside: { now: 'external', but: /^dialects\/chat\// },
  party: { now: 'token context' },
  shown: { now: '…Json' },
  standing: { now: 'dependency, log relation, record state' },
  thing: { now: 'exact target' },
  unit: {
    now: 'write',
    but: /^dialects\/chat\/filter\/|^core\/revocations\/key-table/,
  },
  units: { now: 'write', but: /^core\/revocations\/key-table|^server\/machine\/metric-table/ },
  unmemo: { now: 'expiring entry', but: /^stores\/sqlite\// },
}

const ROOMS = ['core', 'authority', 'dialects', 'stores', 'feed', 'server', 'verifier', 'cli']

/** Code without comments and texts. */
function codeOf({ text }: Source): string {
  return text.replace(
    /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g,
    ' ',
  )
}

function wordsOf(name: string): readonly string[] {
  return name.split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z]+/).map((word) => word.toLowerCase())
}

test('no name in the sources, and no file, uses a word that was retired', () => {
  for (const source of sources(ROOMS)) {
    const names = [source.path.replace(/\.ts$/, ''), ...codeOf(source).matchAll(/[A-Za-z_$][\w$]*/g)].map(
      String,
    )
    for (const name of new Set(names))
      for (const word of wordsOf(name)) {
        const retired = Object.hasOwn(RETIRED, word) ? RETIRED[word] : undefined
        if (retired === undefined || retired.but?.test(source.path) === true) continue
        assert.fail(`${source.path}: ${name}: the word is now ${retired.now}`)
      }
  }
})

test('the page of words names what each retired word gave way to', () => {
  const { text } = read('docs/words.md')
  for (const { now } of Object.values(RETIRED))
    for (const word of now.split(', ')) assert.ok(text.includes(word), word)
})
