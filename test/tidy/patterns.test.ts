import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Source, sources } from './tree.ts'

/** Patterns never take longer than the text is long, and never come from outside. */

const ROOMS = ['core', 'authority', 'dialects', 'stores', 'feed', 'verifier', 'server', 'cli']
/** A regular expression where one can stand: not a division, not a path in a comment. */
const LITERAL =
  /(?<=[=(,:[!&|?;{}\n]\s*|return\s+)\/(?![*/])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+)\/([dgimsuvy]*)/g
const TEXT_CHARS = 20_000
/** Of one pattern over one text; a pattern that backtracks takes minutes. */
const LIMIT_MS = 100

function patternsOf({ text }: Source): readonly RegExp[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return [...code.matchAll(LITERAL)].flatMap(([, source = '', flags = '']) => {
    try {
      return [new RegExp(source, flags)]
    } catch {
      return []
    }
  })
}

/** Texts that make a pattern try every way of dividing them: long runs of what it takes, and an end that it does not. */
function texts({ source }: RegExp): readonly string[] {
  const letters = new Set([
    'a',
    '0',
    ' ',
    '-',
    '.',
    '_',
    '/',
    '\t',
    'a0',
    '=;',
    '""',
    '\\',
    ...(source.match(/[^\\[\](){}*+?|^$]/g) ?? []),
  ])
  const starts = ['', 'Bearer ', 'Basic ', 'rev_', 'https://', '"', 'tok_']
  return [...letters].flatMap((letter) => {
    const run = letter.repeat(Math.floor(TEXT_CHARS / letter.length))
    return starts.map((start) => `${start}${run}\u0000!`)
  })
}

test('[P11] every pattern is done with any long text in the time that it takes to read it', () => {
  let count = 0
  const slow: string[] = []
  for (const source of sources(ROOMS)) {
    for (const pattern of patternsOf(source)) {
      count += 1
      for (const text of texts(pattern)) {
        const start = process.cpuUsage().user
        pattern.lastIndex = 0
        pattern.test(text)
        const ms = (process.cpuUsage().user - start) / 1_000
        if (ms < LIMIT_MS) continue
        slow.push(
          `${source.path}: /${pattern.source}/ takes ${ms} ms over ${JSON.stringify(text.slice(0, 12))}…`,
        )
        break
      }
    }
  }
  assert.deepEqual(slow, [])
  assert.ok(count > 80, `${count} patterns found`)
})

test('[P11] no pattern is made of what somebody sent', () => {
  for (const source of sources(ROOMS)) {
    for (const [made] of source.text.matchAll(/new RegExp\([^)]*\)|\bRegExp\([^)]*\)/g))
      assert.match(made, /^new RegExp\((?:`|'|[A-Z_]+[,)])/, `${source.path}: ${made}`)
  }
})
