/** How the connection to the server fails. */
export type TroubleKind =
  /** No server listens at that address, or the network cannot reach it. */
  | 'unreachable'
  /** The name has no address (DNS). */
  | 'unknown-host'
  /** Its certificate is not trusted, or it does not speak TLS. */
  | 'tls'
  | 'timeout'
  /** It answered with an unexpected status. */
  | 'status'
  /** It does not answer like Rescind: another web server, or a wrong path. */
  | 'not-rescind'
  /** An open connection broke off. */
  | 'broken-off'
  /** The server's log is not the one that this verifier knows. */
  | 'rolled-back'
  /** The verifier's state, for example from its state file, is from another realm than its key. */
  | 'other-realm'

/** Why a verifier does not hear from its server, for people. Cleared once it does again. */
export type Trouble = { readonly kind: TroubleKind; readonly message: string; readonly status?: number }

/** The server could not be asked, or gave an invalid answer. */
export class SourceFailed extends Error {
  /** The HTTP status, if there was an answer. */
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
/** Node's codes for OpenSSL errors, besides `ERR_SSL_…` and `ERR_TLS_…`. */
const TLS = /^(?:ERR_(?:SSL|TLS)_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/

/** A connection failure, as Node reports it. */
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
  // HPE_…: the data was not HTTP.
  return code.startsWith('HPE_') ? 'not-rescind' : 'broken-off'
}

export function timedOut(message: string): SourceFailed {
  return new SourceFailed(message, undefined, 'timeout')
}

/** What a status other than 200 means for the person who set this up. */
export function refused(status: number): SourceFailed {
  const words = STATUSES.get(status)
  return new SourceFailed(`the server answered ${status}${words === undefined ? '' : `: ${words}`}`, status)
}

const STATUSES: ReadonlyMap<number, string> = new Map([
  [401, 'it does not know this key; check that the key is complete, not deleted, and of this server'],
  [403, 'this key is not for a verifier; create one with POST /control/v1/verifiers'],
  [404, 'the realm of this key is not served, or the path of the url is wrong'],
  [429, 'this key or its realm has reached the limit of streams'],
])
