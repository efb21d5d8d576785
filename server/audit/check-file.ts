import { checkEvidence, type EvidenceChecked, type EvidenceKnown } from './evidence/check.ts'
import { readHeader } from './evidence/lines.ts'
import { type Checked, checkExport } from './export.ts'
import { type FileLine, linesOfFile } from './file-lines.ts'

/** A file that is neither an export of a log nor evidence: nothing can be said about it. */
export type NotOurs = { readonly kind: 'not-ours' }

/** Checks a file that is an export of a log or evidence of an incident, whichever it says it is. */
export async function checkLogFile(
  chunks: AsyncIterable<Uint8Array>,
  known: EvidenceKnown,
): Promise<Checked | EvidenceChecked | NotOurs> {
  const lines = linesOfFile(chunks)
  const first = await lines.next()
  if (first.done === true || first.value === 'too-long') return { kind: 'not-ours' }
  const { value } = first
  const { text = '' } = value
  if (text.startsWith('{"evidence":'))
    return readHeader(text) === undefined ? { kind: 'not-ours' } : checkEvidence(after(value, lines), known)
  if (!text.startsWith('{"export":')) return { kind: 'not-ours' }
  return checkExport(textsOf(after(value, lines)), known.positions)
}

async function* after(
  first: FileLine,
  lines: AsyncGenerator<FileLine | 'too-long', void>,
): AsyncGenerator<FileLine | 'too-long', void> {
  yield first
  yield* lines
}

/** An export may have been through a system that ends its lines otherwise: what its lines say is checked row by row. */
async function* textsOf(lines: AsyncIterable<FileLine | 'too-long'>): AsyncGenerator<string, void> {
  for await (const line of lines) yield line === 'too-long' ? '' : (line.text ?? '').replace(/\r$/, '')
}
