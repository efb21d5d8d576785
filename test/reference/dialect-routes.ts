import {
  CHAT_REFUSALS,
  chatCalls,
  type DialectCall,
  oauthCalls,
  V2_REFUSALS,
  V3_REFUSALS,
  v2Calls,
  v3Calls,
} from './dialect-calls.ts'
import { code, codes, table } from './markdown.ts'

/** A section for each dialect. */
export function dialectSections(): readonly string[] {
  return [
    '## OAuth',
    `What each call takes and answers: [oauth.md](../oauth.md).`,
    calls(oauthCalls(), 'client'),
    '## Chat',
    `Each call can also be refused with ${CHAT_REFUSALS.join(', ')}. What each takes and answers: [chat.md](../chat.md).`,
    calls(chatCalls(), 'present'),
    '## Identity v2.0',
    `Each call can also be refused with ${V2_REFUSALS.join(', ')}; \`/\`, \`/v2.0\` and the extensions ask for no token and have
no rate. 406 is for \`Accept\`, where the answer has a body, and 415 for \`Content-Type\`, where one is read. Who may call what:
[identity-authority.md](../identity-authority.md); what each takes and answers: [identity.md](../identity.md).`,
    calls(v2Calls()),
    '## Identity v3',
    `Each call can also be refused with ${V3_REFUSALS.join(', ')}; OPTIONS of any of these paths is 200. Who may call what:
[identity-authority-v3.md](../identity-authority-v3.md); what each takes and answers: [identity-v3.md](../identity-v3.md).`,
    calls(v3Calls()),
  ]
}

/** Methods of one path that answer alike share a row. @param caller the head of a column for callers, if there is to be one. */
function calls(all: readonly DialectCall[], caller?: string): string {
  const rows = Map.groupBy(all, (one) => JSON.stringify({ ...one, method: '' }))
  return table(
    ['path', 'methods', ...(caller === undefined ? [] : [caller]), 'answers', 'refusals of its own'],
    [...rows.values()].map((alike) => {
      const [{ template, done, also, ...one }] = alike as [DialectCall]
      return [
        code(template),
        codes(alike.map(({ method }) => method)),
        ...(caller === undefined ? [] : [one.caller]),
        done.join(' '),
        also.join(' '),
      ]
    }),
  )
}
