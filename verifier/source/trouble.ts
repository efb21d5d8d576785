/** Where the way to the server breaks. */
export type TroubleKind =
  /** Nobody listens at that address, or the network does not reach it. */
  | 'unreachable'
  /** The name has no address (DNS). */
  | 'unknown-host'
  /** No trust in its certificate, or no TLS there at all. */
  | 'tls'
  | 'timeout'
  /** It answered, with a status that this verifier has no use for. */
  | 'status'
  /** It answered as no Rescind does: another web server, or another path. */
  | 'not-rescind'
  /** A connection that was open broke off. */
  | 'broken-off'
  /** The server's log is not the one that this verifier knows. */
  | 'rolled-back'
  /** What this verifier knew, from its state file say, is of another realm than its key. */
  | 'other-realm'

/** Why a verifier does not hear from its server: for people. Cleared when it does again. */
export type Trouble = { readonly kind: TroubleKind; readonly message: string; readonly status?: number }

/** The server could not be asked, or did not answer as it should. */
export class SourceFailed extends Error {
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined
  readonly kind: TroubleKind

  constructor(
    message: string,
    status?: number,
    kind: TroubleKind = status === undefined ? 'not-rescind' : 'status',
  ) {
    super(message)
    this.name = 'SourceFailed'
    this.status = status
    this.kind = kind
  }

  get trouble(): Trouble {
    const { kind, message, status } = this
    return { kind, message, ...(status === undefined ? {} : { status }) }
  }
}

const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'ECONNABORTED'])
const UNKNOWN_HOST = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EAI_NONAME'])
/** Node's names of what OpenSSL says; `ERR_SSL_…` and `ERR_TLS_…` beside them. */
const TLS = /^(?:ERR_(?:SSL|TLS)_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/

/** A failure of a connection, as Node reports it. */
export function connectionFailed(error: Error): SourceFailed {
  if (error instanceof SourceFailed) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return new SourceFailed(error.message === '' ? code : error.message, undefined, kindOf(code))
}

function kindOf(code: string): TroubleKind {
  if (UNREACHABLE.has(code)) return 'unreachable'
  if (UNKNOWN_HOST.has(code)) return 'unknown-host'
  if (code === 'ETIMEDOUT') return 'timeout'
  if (TLS.test(code)) return 'tls'
  // HPE_…: what came was no HTTP.
  return code.startsWith('HPE_') ? 'not-rescind' : 'broken-off'
}

export function timedOut(message: string): SourceFailed {
  return new SourceFailed(message, undefined, 'timeout')
}

/** What an answer with another status than 200 tells whoever set this up. */
export function refused(status: number): SourceFailed {
  const words = STATUSES.get(status)
  return new SourceFailed(`the server answered ${status}${words === undefined ? '' : `: ${words}`}`, status)
}

const STATUSES: ReadonlyMap<number, string> = new Map([
  [401, 'it does not know this key; it was mistyped, deleted, or is of another server'],
  [403, 'this key is no key of a verifier; one is made by POST /control/v1/verifiers'],
  [404, 'the realm of this key is not served, or the url has another path than the server'],
  [429, 'this key, or its realm, has as many streams as it may'],
])
