import assert from 'node:assert/strict'
import { test } from 'node:test'
import { displayText, isDisplayName } from './display-text.ts'

/** Characters that make a text look to an operator like something that it is not. */
const HIDDEN = [
  ...['\u202e', '\u202a', '\u2066', '\u2069', '\u200e', '\u200f', '\u061c'],
  ...['\u200b', '\u2060', '\ufeff', '\u00ad', '\u034f', '\u180e', '\u3164', '\u{e0061}', '\u2064', '\ufffb'],
]

test('[S3] a name with characters that reorder or hide text is refused, and names in all scripts are accepted', () => {
  for (const char of [...HIDDEN, '\u200d', '\u200c', '\n', '\0', '\u001b', '\u0085', '\u2028', '\ud800'])
    for (const text of [char, `${char}ops`, `o${char}ps`, `ops${char}`])
      assert.equal(isDisplayName(text), false, JSON.stringify(text))
  for (const text of ['ops', 'Büro 2', 'отдел', '運用', 'צוות', 'فريق', '🔥', 'é', 'a b', '<b>&"'])
    assert.equal(isDisplayName(text), true, text)
})

test('[S3] a sentence loses the characters that disguise it, and nothing else', () => {
  for (const char of [...HIDDEN, '\0', '\u001b', '\u009b', '\u007f'])
    assert.equal(displayText(`leak${char} of ${char}${char}keys`), 'leak of keys', JSON.stringify(char))
  for (const text of ['one\r\n\ttwo', 'é\u2028"quoted" <b>', 'می\u200cخواهم', '👩\u200d💻', 'שלום'])
    assert.equal(displayText(text), text)
})
