/** Milliseconds after which a demo request counts as unanswered. */
const TIMEOUT_MS = 5_000

export type Ask = {
  readonly method: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
}

export type Reply = { readonly status: number; readonly body: unknown }

/** One request over a socket, as any client sends it; the body as JSON where it is JSON. */
export async function send(url: string, { method, path, headers, json, form }: Ask): Promise<Reply> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    body: form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form),
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  const text = await response.text()
  const isJson = (response.headers.get('content-type') ?? '').includes('json')
  return { status: response.status, body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text }
}

/** A member of a JSON body, found step by step; undefined where there is none. */
export function memberOf(body: unknown, ...names: readonly string[]): unknown {
  let value = body
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.entries(value).find(([own]) => own === name)?.[1]
  }
  return value
}

/** The same where text must stand there. @throws with what came instead. */
export function textOf(reply: Reply, ...names: readonly string[]): string {
  const value = memberOf(reply.body, ...names)
  if (typeof value === 'string') return value
  throw new Error(`no ${names.join('.')} in ${reply.status} ${JSON.stringify(reply.body)}`)
}

export function basic({ clientId, clientSecret }: Client): Readonly<Record<string, string>> {
  const pair = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
  return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` }
}

export type Client = { readonly clientId: string; readonly clientSecret: string }
