/**
 * Characters that reorder the text around them or are invisible, so that an operator reads something other than what is
 * there: direction and isolate marks, zero-width characters, fillers, and the tags U+E0000 to U+E0FFF.
 */
const HIDDEN = /\u00ad|\u061c|\u200b|[\u200e\u200f]|[\u202a-\u202e]|[\u2060-\u206f]|\ufeff|[\ufff9-\ufffb]/gu
const FILLERS = /\u034f|[\u115f\u1160]|[\u17b4\u17b5]|[\u180b-\u180f]|\u3164|\uffa0|[\u{e0000}-\u{e0fff}]/gu
/** Control characters except tabs and line ends: a terminal obeys them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
const CONTROLS = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu
/** Also refused in names: line and paragraph ends, lone surrogates, and the joiners that some scripts need inside words. */
const NOT_IN_NAMES = /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\u200c|\u200d/u

/** Whether a name or a label looks like what it is. */
export function isDisplayName(text: string): boolean {
  return [NOT_IN_NAMES, HIDDEN, FILLERS].every((pattern) => text.search(pattern) === -1)
}

/** Removes from a sentence the characters that make it look like another one. */
export function displayText(text: string): string {
  return text.replaceAll(HIDDEN, '').replaceAll(FILLERS, '').replaceAll(CONTROLS, '')
}
