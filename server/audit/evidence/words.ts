import { type LogFault } from '@rescind/authority'
import { unreachable } from '@rescind/core'
import type { EvidenceChecked, EvidenceFault } from './check.ts'

const KEY_ROUTE = 'GET /control/v1/evidence/key'

/** What a check of an evidence file says to its reader, line by line. @param wordsFor words a fault of a row. */
export function evidenceWords(
  checked: EvidenceChecked,
  wordsFor: (fault: LogFault) => string,
): readonly string[] {
  if (checked.kind === 'evidence-wrong')
    return [`evidence: WRONG at line ${checked.line}: ${faultWords(checked.why, wordsFor)}`]
  const { realm, rows, others, receipts, gone, from, through, keyId, isKeyKnown, provenThrough } = checked
  const range = from > through ? 'no rows' : `rows ${from} to ${through}`
  const counts = `${many(receipts, 'receipt')}, ${range}: ${rows} of its own, ${others} by their hashes`
  const key = isKeyKnown
    ? `signed by the expected key, ${keyId}`
    : `who signed it is not proven: compare the thumbprint of the key that the file brings along, ${keyId}, with ${KEY_ROUTE}`
  // Anybody can make a file that fits itself.
  const verdict = isKeyKnown || provenThrough !== undefined ? 'right' : 'whole'
  return [
    `${realm}: evidence: ${verdict}: ${counts}`,
    ...(gone === 0
      ? []
      : [
          `${many(gone, 'receipt')} can no longer be read, as the file says: trimmed, or without an audit text`,
        ]),
    key,
    ...(provenThrough === undefined
      ? []
      : [
          `your positions prove the rows up to ${provenThrough}; later rows, enforcement and exposure are the word of whoever signed it`,
        ]),
  ]
}

function many(count: number, of: string): string {
  return `${count} ${of}${count === 1 ? '' : 's'}`
}

function faultWords(why: EvidenceFault, wordsFor: (fault: LogFault) => string): string {
  switch (why.what) {
    case 'row':
      return `row ${why.fault.seq}: ${wordsFor(why.fault)}`
    case 'position-outside':
      return `the position of row ${why.seq} lies outside of this file, so the two cannot be compared`
    case 'header':
      return 'its first line is not one that the server writes'
    case 'line':
      return 'this line is not one that the server writes'
    case 'receipt':
      return 'this receipt does not say what its rows say'
    case 'gone':
      return 'this line names no receipt'
    case 'counts':
      return 'lines were removed or added'
    case 'bytes':
      return 'something before this line was changed'
    case 'signature':
      return 'it is not signed by the key that it names'
    case 'other-key':
      return 'it is signed by another key than the expected one'
    case 'cut-short':
      return 'it was cut short: its last lines are missing'
    case 'more':
      return 'something follows the signature'
    default:
      return unreachable(why)
  }
}
