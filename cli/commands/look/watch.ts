import type { Call } from '../../frame/call.ts'
import type { ExitCode } from '../../frame/exit-codes.ts'
import { CommandFailed } from '../../frame/failure.ts'
import { follow } from '../../frame/follow.ts'
import type { Io } from '../../frame/io.ts'
import { type Client, openClient } from '../../remote/client.ts'
import { listOf, type Members, membersOf, numberOf, textOf } from '../../remote/members.ts'
import { isFinal } from '../../remote/passing.ts'
import { Refused } from '../../remote/problems.ts'
import { responseLines } from '../../remote/response-lines.ts'
import { pastIn } from '../../targets/instants.ts'
import { rowJson, rowLine } from './row-words.ts'

const EVERY_MS = 1_000

/**
 * `rescind watch`: the log of a realm as it grows, in words. It is read by the export of the audit, from the last row that
 * was printed: in order, without a gap, and with the chain, so that no row is lost or printed twice whatever breaks.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const since = pastIn(call, 'since')
  const client = await openClient(call, io)
  const watch = new Watch(client, io)
  await watch.begin(since)
  let isTold = false
  return follow(io, {
    everyMs: EVERY_MS,
    round: async () => {
      await watch.round()
      if (isTold) io.note('Connected again; nothing was missed.')
      isTold = false
    },
    failed: (failure) => {
      if (!isTold) io.note(`${failure.message}; trying again.`)
      isTold = true
    },
    isFinal: (failure) => failure instanceof OtherHistory || isFinal(failure),
  })
}

/** A place in the log, and the chain value there, once it is known. */
type Place = { readonly seq: number; readonly chain: string | undefined }

class Watch {
  readonly #client: Client
  readonly #io: Io
  #place: Place = { seq: 0, chain: undefined }

  constructor(client: Client, io: Io) {
    this.#client = client
    this.#io = io
  }

  /** Finds the place to begin at: the end of the log, or the first row at an instant or later. */
  async begin(since: string | undefined): Promise<void> {
    const query = since === undefined ? { limit: '1' } : { limit: '1', order: 'oldest', since }
    for await (const row of this.#client.pages('/audit', 'rows', { query })) {
      const seq = numberOf(membersOf(row)['seq'])
      this.#place = { seq: since === undefined ? seq : seq - 1, chain: undefined }
      return
    }
    if (since !== undefined) await this.begin(undefined)
  }

  /** Prints every row that has come since. @throws Refused, CommandFailed. */
  async round(): Promise<void> {
    const response = await this.#exported()
    if (response === undefined) return
    for await (const line of responseLines(response, this.#client.target.url)) {
      const row = parsed(line)
      if (row['export'] !== undefined) this.#first(row)
      else if (row['end'] === undefined) this.#print(row)
    }
  }

  /** Undefined: the log is shorter than it was, and the watch goes on at its new end. */
  async #exported(): Promise<Response | undefined> {
    try {
      return await this.#client.stream('GET', '/audit/export', { query: { after: String(this.#place.seq) } })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 422) throw error
      await this.#begunAnew()
      return undefined
    }
  }

  #first({ after, chain }: Members): void {
    const { seq, chain: known } = this.#place
    if (numberOf(after) > seq)
      this.#io.note(`Rows ${seq + 1} to ${numberOf(after)} were removed from the log before they were seen.`)
    else if (known !== undefined && known !== chain) throw new OtherHistory()
    this.#place = { seq: numberOf(after), chain: textOf(chain) }
  }

  #print(row: Members): void {
    this.#io.item(rowJson(row), () => [rowLine(row)])
    this.#place = { seq: numberOf(row['seq']), chain: textOf(row['chain']) }
  }

  async #begunAnew(): Promise<void> {
    this.#io.note('The log is shorter than it was: it was restored. Watching its new end.')
    this.#place = { seq: 0, chain: undefined }
    const { json } = await this.#client.get('/audit', { query: { limit: '1' } })
    const [last] = listOf(membersOf(json)['rows'])
    this.#place = { seq: numberOf(last?.['seq']), chain: undefined }
  }
}

class OtherHistory extends CommandFailed {
  constructor() {
    super('the log has another history than before: it was restored, or this is another server', {
      next: 'start watch again; `rescind audit verify` checks the log',
    })
  }
}

function parsed(line: string): Members {
  try {
    return membersOf(JSON.parse(line))
  } catch {
    throw new CommandFailed('the answer broke off', { next: 'repeat it' })
  }
}
