/** Removes slashes from the end. Not by a pattern, because that would be tried at every slash of a run of them. */
export function withoutSlashes(text: string): string {
  let end = text.length
  while (text[end - 1] === '/') end -= 1
  return text.slice(0, end)
}
