/**
 * Characters that change the order in which what stands around them is shown, or that are there and show nothing: with
 * them text that an operator reads says something else than it is. Marks of direction and of their isolation, what has no
 * width, fillers, and the tags of U+E0000 to U+E0FFF.
 */
const HIDDEN = /\u00ad|\u061c|\u200b|[\u200e\u200f]|[\u202a-\u202e]|[\u2060-\u206f]|\ufeff|[\ufff9-\ufffb]/gu
const FILLERS = /\u034f|[\u115f\u1160]|[\u17b4\u17b5]|[\u180b-\u180f]|\u3164|\uffa0|[\u{e0000}-\u{e0fff}]/gu
/** Controls but for tabs and the ends of lines: a terminal obeys them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\0-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu
/** In names also the ends of lines and paragraphs, halves of characters, and the joiners that some scripts need in words. */
const NOT_IN_NAMES = /\p{Cc}|\p{Cs}|\p{Zl}|\p{Zp}|\u200c|\u200d/u

/** Whether a name or a label shows all that it is. */
export function isDisplayName(text: string): boolean {
  return [NOT_IN_NAMES, HIDDEN, FILLERS].every((pattern) => text.search(pattern) === -1)
}

/** A sentence without what would show it as another one. */
export function displayText(text: string): string {
  return text.replaceAll(HIDDEN, '').replaceAll(FILLERS, '').replaceAll(CONTROLS, '')
}
