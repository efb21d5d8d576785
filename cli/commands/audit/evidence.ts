import { resolve } from 'node:path'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { pastIn } from '../../targets/instants.ts'
import { saveEvidence } from './save-evidence.ts'

/** `rescind evidence --out FILE …`: what is known of an incident, signed, and checked at once. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const out = call.text('out')
  if (out === undefined) throw new WrongUse('--out is missing', 'name the file to write')
  const incident = incidentOf(call)
  const client = await openClient(call, io)
  const checked = await saveEvidence(client, { incident, file: resolve(out), isOfStore: call.isOn('system') })
  io.result(checked, () => [`${checked.file}: ${checked.bytes} bytes`, ...checked.lines])
  return checked.isRight ? EXIT.done : EXIT.failed
}

function incidentOf(call: Call): object {
  const receipts = call.positionals
  const rows = call.texts('row').map((text) => {
    const row = Number(text)
    if (!Number.isInteger(row) || row < 1) throw new WrongUse('--row: the number of a row of the audit')
    return row
  })
  const [reason, cause] = [call.text('reason'), call.text('cause')]
  const [since, until] = [pastIn(call, 'since'), pastIn(call, 'until')]
  if (
    receipts.length + rows.length === 0 &&
    reason === undefined &&
    cause === undefined &&
    since === undefined
  )
    throw new WrongUse('of which incident?', 'give receipts, --reason, --cause, --row or --since')
  const lists = {
    ...(receipts.length === 0 ? {} : { receipts }),
    ...(rows.length === 0 ? {} : { rows }),
  }
  // JSON leaves out what is undefined.
  return { ...lists, reason, cause, since, until }
}
