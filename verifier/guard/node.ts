import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Active } from '../results.ts'
import { type Denial, decide, demandOf, type GuardOptions, type Judge } from './bearer.ts'

/** The parts of a Node request that are used here. */
export type Headers = {
  readonly headers: { readonly authorization?: string | undefined }
  readonly headersDistinct?: Readonly<Record<string, readonly string[] | undefined>> | undefined
}

/** All Authorization headers: `headers` keeps only the first, but a request with two is ambiguous. */
export function authorizationOf({
  headers,
  headersDistinct,
}: Headers): string | readonly string[] | undefined {
  return headersDistinct?.['authorization'] ?? headers.authorization
}

/** A request that a guard has let in. */
export type WithAuth = { auth?: Active }

/**
 * For `node:http`: answers requests that are refused, and calls the handler for the others.
 * @throws only through the handler's own promise.
 */
export function protectNode(
  judge: Judge,
  handler: (request: IncomingMessage & { auth: Active }, response: ServerResponse) => unknown,
  options: GuardOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  demandOf(options)
  return async (request, response) => {
    const decision = await decide(judge, authorizationOf(request), options)
    if (decision.kind === 'deny') writeDenial(response, decision.denial)
    else await handler(Object.assign(request, { auth: decision.auth }), response)
  }
}

/** Answers a request that is not let in. */
export function writeDenial(response: ServerResponse, { status, headers, body }: Denial): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
  })
  response.end(text)
}
