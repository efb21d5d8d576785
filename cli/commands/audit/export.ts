import { resolve } from 'node:path'
import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { CommandFailed } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { openClient } from '../../remote/client.ts'
import { savePrivately } from '../../remote/private-download.ts'
import { responseBytes } from '../../remote/response-lines.ts'

/** `rescind audit export [--out FILE] [--after SEQ] [--system]`: the log as lines that `rescind audit verify` checks. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const out = call.text('out')
  const client = await openClient(call, io)
  const isOfStore = call.isOn('system')
  const path = isOfStore ? '/audit/system/export' : '/audit/export'
  const response = await client.stream('GET', path, { query: { after: call.text('after') }, isOfStore })
  const chunks = wholeExport(responseBytes(response, client.target.url))
  if (out === undefined) {
    const decoder = new TextDecoder()
    for await (const chunk of chunks) io.raw(decoder.decode(chunk, { stream: true }))
    return EXIT.done
  }
  const file = resolve(out)
  const bytes = await savePrivately(file, chunks)
  io.result({ file, bytes }, () => [`${file}: ${bytes} bytes. To check it: rescind audit verify ${out}`])
  return EXIT.done
}

const [TAIL_CHARS, LAST_LINE] = [4_096, /(?:^|\n)\{"end":[^\n]*\n$/]

/** The same chunks. @throws CommandFailed when the last line is not that of a whole export. */
async function* wholeExport(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let tail = ''
  for await (const chunk of chunks) {
    tail = `${tail}${Buffer.from(chunk.subarray(-TAIL_CHARS)).toString('latin1')}`.slice(-TAIL_CHARS)
    yield chunk
  }
  if (!LAST_LINE.test(tail))
    throw new CommandFailed('the export broke off: its last line is missing', { next: 'run it again' })
}
