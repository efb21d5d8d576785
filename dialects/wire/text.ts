export { decodeUtf8, withoutBom } from '@rescind/core/bytes'

/** Percent-decodes one component. @returns undefined for a broken escape, bytes that are not UTF-8, or NUL. */
export function decodePercent(text: string): string | undefined {
  if (!text.includes('%')) return text.includes('\0') ? undefined : text
  try {
    const decoded = decodeURIComponent(text)
    return decoded.includes('\0') ? undefined : decoded
  } catch {
    // decodeURIComponent throws on a malformed escape; here that is an ordinary answer.
    return undefined
  }
}
