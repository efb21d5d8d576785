import { parseHandle } from '@rescind/core'
import { parseJws } from '@rescind/core/tokens'
import { parseRevocationId } from '../../../receipts/receipt.ts'
import { bareOf } from '../pasted.ts'
import type { Reading } from './find-json.ts'

/** Characters of the longest name, as rules take them. */
const NAME_MAX_CHARS = 1_024

/** The text, read by its form alone. */
export type Read = {
  /** As it was sent. */
  readonly text: string
  /** Without what copying put around it; undefined: it cannot be a name or an id. */
  readonly name: string | undefined
  /** Ids have forms of their own, of which a text has at most one. */
  readonly id: Reading | undefined
  /** Whether it may be a one-time passcode. */
  readonly isPasscode: boolean
}

const IDS: readonly (readonly [Reading, (text: string) => boolean])[] = [
  ['handle', (text) => parseHandle(text) !== undefined],
  ['receipt', (text) => parseRevocationId(text) !== undefined],
  ['grant', (text) => parseHandle(text.replace(/^grt_/, 'tok_')) !== undefined && text.startsWith('grt_')],
  ['hold', (text) => /^hold_[\w-]{22}$/.test(text)],
  ['schedule', (text) => /^sch_[\w-]{22}$/.test(text)],
  ['approval', (text) => /^apr_[\w-]{22}$/.test(text)],
  ['bulk', (text) => /^blk_[\w-]{1,64}(?:\.[\w-]{1,64})?$/.test(text)],
]

export function readText(text: string): Read {
  const name = bareOf(text).trim()
  const isName = name.length > 0 && name.length <= NAME_MAX_CHARS && isPlain(name)
  return {
    text,
    name: isName ? name : undefined,
    id: isName ? IDS.find(([, isOne]) => isOne(name))?.[0] : undefined,
    isPasscode: /^\d{6,8}$/.test(name),
  }
}

/** No name and no id holds NUL, and stores take well-formed text only. */
function isPlain(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Whether the text has the form of a signed token, of any issuer. */
export function isSigned(text: string): boolean {
  return parseJws(bareOf(text).replaceAll(/\s+/g, '')) !== undefined
}
