/** The text without slashes at its end. By hand: a pattern for that is tried at every slash of a run of them. */
export function withoutSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
