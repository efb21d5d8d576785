import type { Response } from './load.ts'
import type { Target } from './target.ts'

export function expectStatus(response: Response, status: number): void {
  if (response.status !== status) throw new Error(`${response.status} instead of ${status}: ${response.body}`)
}

export function expectActive(target: Target, response: Response, active: boolean): void {
  expectStatus(response, 200)
  if (target.hasTokens && !response.body.includes(`"active":${active}`))
    throw new Error(`not ${active}: ${response.body}`)
}

/** The text of a member of a JSON answer. The rest is not parsed, so that the generator itself is not measured. */
export function textAfter({ body }: Response, before: string): string {
  const start = body.indexOf(before) + before.length
  if (start < before.length) throw new Error(`no ${before} in ${body}`)
  return body.slice(start, body.indexOf('"', start))
}

export function accessTokenOf(response: Response): string {
  return textAfter(response, '"access_token":"')
}

/** Expects success, with a member that marks an answer of ours. */
export function expectMember(target: Target, response: Response, member: string): void {
  expectStatus(response, 200)
  if (target.hasTokens && !response.body.includes(member)) throw new Error(`no ${member}: ${response.body}`)
}
