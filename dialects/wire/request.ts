/** A request as a dialect sees it. The server has refused malformed ones; nothing is decoded yet. */
export interface WireRequest {
  readonly method: string
  /** Still percent-encoded, without the realm's prefix and without the query; starts with `/`. */
  readonly path: string
  /** Without the `?`; undefined when there is none. */
  readonly query: string | undefined
  readonly body: Uint8Array
  /** Network address of the peer, or of the client that a trusted proxy names. */
  readonly from: string
  /** `http://host:port[/realms/name]` as the client dialled it. For links in answers, never for decisions. */
  readonly base: string
  /**
   * A header by its lower-case name, as UTF-8 text; undefined when absent. The server has already refused repeated
   * headers.
   */
  header(name: string): string | undefined
}

/** The media type of a Content-Type in lower case, and its charset if given. */
export type MediaType = { readonly type: string; readonly charset: string | undefined }

const FORM = 'application/x-www-form-urlencoded'
const FORM_MEDIA: MediaType = { type: FORM, charset: undefined }

/** @returns undefined without a Content-Type header. */
export function mediaType(request: WireRequest): MediaType | undefined {
  const value = request.header('content-type')
  if (value === undefined) return undefined
  // Most clients send exactly this; other values are parsed.
  if (value === FORM) return FORM_MEDIA
  const [type = '', ...parameters] = value.split(';')
  let charset: string | undefined
  for (const parameter of parameters) {
    const [name = '', text = ''] = parameter.split('=', 2)
    if (name.trim().toLowerCase() === 'charset') charset = text.trim().replaceAll('"', '').toLowerCase()
  }
  return { type: type.trim().toLowerCase(), charset }
}

/** Whether a body has this type and is in UTF-8. */
export function isUtf8(media: MediaType, type: string): boolean {
  return (
    media.type === type &&
    (media.charset === undefined || media.charset === 'utf-8' || media.charset === 'utf8')
  )
}
