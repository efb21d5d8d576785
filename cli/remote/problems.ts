import { CommandFailed } from '../frame/failure.ts'

/** What to do after each status of a problem document. */
const NEXT: Readonly<Record<number, string>> = {
  401: 'check the key: RESCIND_KEY_FILE, RESCIND_KEY, or log in again by `rescind login`',
  403: 'use a key that may do it (docs/who-may.md)',
  404: 'check the name, and the realm (--realm)',
  409: 'look at what there is now, and decide again',
  412: 'somebody has changed it meanwhile: read it again, and repeat the change',
  413: 'send less at once',
  422: 'correct the value that it names',
  429: 'wait, and repeat it: this key has used its share',
  503: 'repeat it later: it is safe to repeat',
}

/** An answer that is no success. `status` and `problem` are for commands that treat some of them by themselves. */
export class Refused extends CommandFailed {
  readonly status: number
  readonly problem: Readonly<Record<string, unknown>>

  constructor(status: number, problem: Readonly<Record<string, unknown>>) {
    const { detail, title } = problem
    const what = typeof detail === 'string' ? detail : typeof title === 'string' ? title : `status ${status}`
    const next = NEXT[status]
    super(what, { status, detail: problem, ...(next === undefined ? {} : { next }) })
    this.status = status
    this.problem = problem
  }
}

/** How a connection failed, by Node's code. */
const FAULTS: Readonly<Record<string, readonly [what: string, next: string]>> = {
  ECONNREFUSED: ['nothing listens there', 'start the server, or name another by --url'],
  ENOTFOUND: ['there is no such host', 'check --url'],
  EAI_AGAIN: ['its name cannot be looked up now', 'check --url and the network'],
  ETIMEDOUT: ['it does not answer', 'check --url and the network'],
  UND_ERR_CONNECT_TIMEOUT: ['it does not answer', 'check --url and the network'],
  ECONNRESET: ['the connection broke', 'repeat it: it is safe to repeat'],
  UND_ERR_SOCKET: ['the connection broke', 'repeat it: it is safe to repeat'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'check --url'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'renew it'],
}
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED/

/** @param error what fetch has thrown. @returns undefined when it is no fault of the connection. */
export function connectionFault(url: URL, error: unknown): CommandFailed | undefined {
  if (isTimeout(error))
    return new CommandFailed(`${url.origin} did not answer in time`, {
      next: 'repeat it: it is safe to repeat; --timeout waits longer',
    })
  const code = codeOf(error)
  if (code === undefined) return undefined
  if (UNTRUSTED.test(code))
    return new CommandFailed(`${url.origin}: its certificate is not trusted`, {
      next: "for a private CA set NODE_EXTRA_CA_CERTS to the file of the CA's certificate",
    })
  const [what, next] = FAULTS[code] ?? [`it cannot be reached (${code})`, 'check --url and the network']
  return new CommandFailed(`${url.origin}: ${what}`, { next })
}

/** Whether the request may have been carried out: if so, only a repetition that is safe may follow. */
export function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE', 'ECONNREFUSED'].includes(codeOf(error) ?? '')
}

/** Nothing has been sent, and a server that is not there will not be there in a second. */
export function isRefusedConnection(error: unknown): boolean {
  const { cause } = error as Error
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ECONNREFUSED'
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const { cause } = error
  if (cause instanceof AggregateError) return codeOf(new Error('', { cause: cause.errors[0] }))
  if (typeof cause === 'object' && cause !== null && 'code' in cause) return String(cause.code)
  // Such as a port that no browser would call.
  return cause instanceof Error && error.message === 'fetch failed' ? cause.message : undefined
}
