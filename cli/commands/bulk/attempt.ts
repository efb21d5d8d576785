import { CommandFailed } from '../../frame/failure.ts'
import type { Client } from '../../remote/client.ts'
import { type Members, membersOf, numberOf, textOf } from '../../remote/members.ts'
import { responseLines } from '../../remote/response-lines.ts'

/** A call that is made again reads the lines that are done before it answers. */
const HEAD_TIMEOUT_MS = 600_000

/** What one attempt is told, line by line of the answer. */
export type Listener = {
  /** `resumedAfter` lines were done before. */
  readonly begun: (bulk: string, resumedAfter: number) => void
  /** The results of one whole line of the input. */
  readonly line: (nth: number, findings: readonly Members[]) => void
  readonly progress: (counts: Members) => void
}

export type Attempt = {
  readonly client: Client
  readonly query: Readonly<Record<string, string | undefined>>
  readonly idempotencyKey: string
  readonly body: ReadableStream<Uint8Array>
  readonly listener: Listener
}

/** `why`: the server broke off, and can be asked to go on. */
export type Ended =
  | { readonly kind: 'done'; readonly counts: Members }
  | { readonly kind: 'broken'; readonly why: string }

/** Sends the list once, and reads what becomes of it. @throws Refused, CommandFailed. */
export async function attempt({ client, query, idempotencyKey, body, listener }: Attempt): Promise<Ended> {
  const response = await client.stream('POST', '/revocations/bulk', {
    ...{ query, idempotencyKey, timeoutMs: HEAD_TIMEOUT_MS },
    body: { type: 'text/plain', stream: body },
  })
  const answer = new AnswerReader(listener)
  for await (const text of responseLines(response, client.target.url)) {
    const ended = answer.read(parsed(text))
    if (ended !== undefined) return ended
  }
  return { kind: 'broken', why: 'the connection broke' }
}

/**
 * Asks about an empty list first. A refusal of a long one comes while it is still being sent, and is lost with the
 * connection. @throws Refused, CommandFailed.
 */
export async function refuseEarly(client: Client): Promise<void> {
  const response = await client.stream('POST', '/revocations/bulk', {
    ...{ query: { dryRun: 'true' }, isQuestion: true },
    body: { type: 'text/plain', stream: '' },
  })
  // Read to its end, so that the connection is used again.
  for await (const _ of responseLines(response, client.target.url));
}

/** Puts the results of a line together: it is whole once something else follows. */
class AnswerReader {
  readonly #listener: Listener
  #nth = 0
  #findings: Members[] = []

  constructor(listener: Listener) {
    this.#listener = listener
  }

  read(json: Members): Ended | undefined {
    if (typeof json['line'] === 'number') {
      if (json['line'] !== this.#nth) this.#whole()
      this.#nth = json['line']
      this.#findings.push(json)
      return undefined
    }
    if (json['progress'] !== undefined) {
      this.#whole()
      this.#listener.progress(membersOf(json['progress']))
    } else if (json['done'] === true) {
      this.#whole()
      return { kind: 'done', counts: json }
    } else if (json['error'] !== undefined) return { kind: 'broken', why: textOf(json['error']) }
    else this.#listener.begun(textOf(json['bulk']), numberOf(json['resumedAfter']))
    return undefined
  }

  #whole(): void {
    if (this.#findings.length > 0) this.#listener.line(this.#nth, this.#findings)
    this.#findings = []
  }
}

function parsed(text: string): Members {
  try {
    return membersOf(JSON.parse(text))
  } catch {
    // The connection broke within a line.
    throw new CommandFailed('the answer broke off', { next: 'run the same command again' })
  }
}
