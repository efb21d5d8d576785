/** A text that may appear only where its owner put it. */
export type Canary = { readonly name: string; readonly text: string }

/** Bytes that an attacker could find, and where they come from. */
export type Evidence = { readonly where: string; readonly bytes: Buffer }

/** Every way in which the text could be written down, each as the bytes to look for. */
export function encodingsOf(text: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(text, 'utf8')
  const forms: [string, string][] = [
    ['raw', text],
    ['JSON', JSON.stringify(text).slice(1, -1)],
    ['percent', encodeURIComponent(text)],
    ['form', new URLSearchParams({ '': text }).toString().slice(1)],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
  ]
  for (const shift of [0, 1, 2]) forms.push(...base64Inside(bytes, shift))
  return new Map(forms.map(([name, form]) => [name, Buffer.from(form, 'utf8')]))
}

/** The base64 characters that depend only on these bytes, when they begin at this offset in a longer text. */
function base64Inside(bytes: Buffer, shift: number): [string, string][] {
  const all = Buffer.concat([Buffer.alloc(shift), bytes])
  const first = Math.ceil((shift * 8) / 6)
  const last = Math.floor((all.length * 8) / 6)
  return (['base64', 'base64url'] as const).map((encoding) => [
    `${encoding} at ${shift}`,
    all.toString(encoding).slice(first, last),
  ])
}

/** @returns one line for each hit, with the name of the canary and the encoding but without the text. */
export function findCanaries(canaries: readonly Canary[], evidence: readonly Evidence[]): readonly string[] {
  const hits: string[] = []
  for (const { name, text } of canaries) {
    for (const [encoding, needle] of encodingsOf(text)) {
      for (const { where, bytes } of evidence) {
        if (bytes.includes(needle)) hits.push(`${name} stands in ${where} (${encoding})`)
      }
    }
  }
  return hits
}
