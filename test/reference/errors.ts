import { PROBLEMS as CHAT_PROBLEMS } from '../../dialects/chat/envelope.ts'
import { FAULTS } from '../../dialects/identity/v2/faults.ts'
import { ERRORS as V3_ERRORS } from '../../dialects/identity/v3/answers.ts'
import { ERRORS as OAUTH_ERRORS } from '../../dialects/oauth/answers.ts'
import { PROBLEMS } from '../../server/http/problem.ts'
import { TROUBLES } from '../../server/machine/troubles.ts'
import { code, markdown, type Page, table, WRITTEN } from './markdown.ts'

export function errorsPage(): Page {
  return {
    path: 'reference/errors.md',
    text: markdown([
      '# Errors',
      `Every error that the server answers, by who words it, and what is out of order in a server that still answers.
${WRITTEN}`,
      `A message names what is wrong and never quotes what was sent. 503 is an outage, never a verdict: nothing may be assumed
about the request, and it is safe to send it again. [limits.md](../limits.md) says which bound is answered by which error.`,
      ...control(),
      ...oauth(),
      ...chat(),
      ...identity(),
      ...troubles(),
    ]),
  }
}

function control(): readonly string[] {
  return [
    '## Control API, `/check`, health and metrics',
    `Problem documents (RFC 9457), \`application/problem+json\`: \`type\` (\`about:blank\`), \`title\`, \`status\` and
\`detail\`. \`/check\` answers no other errors than 401, 403, 404 and 503.`,
    table(
      ['status', 'title', 'when', 'what to do'],
      Object.entries(PROBLEMS).map(([status, { title, what, next }]) => [status, title, what, next]),
    ),
  ]
}

function oauth(): readonly string[] {
  return [
    '## OAuth',
    `\`{"error", "error_description", "errorDescription"}\`; the last two are the same text. Names in lower case are
those of RFC 6749, 8707 and 7009, the others the vendor's.`,
    table(
      ['error', 'status', 'when', 'what to do'],
      Object.entries(OAUTH_ERRORS).map(([name, { statuses, what, next }]) => [
        code(name),
        statuses.join(', '),
        what,
        next,
      ]),
    ),
  ]
}

function chat(): readonly string[] {
  return [
    '## Chat',
    `\`{"RC", "RM", "error": {"code", "message"}}\`; \`RC\` is the status.`,
    table(
      ['code', 'status', '`RM`', 'message, unless the call has a better one', 'what to do'],
      Object.entries(CHAT_PROBLEMS).map(([name, { status, rm, message, next }]) => [
        code(name),
        String(status),
        rm,
        message,
        next,
      ]),
    ),
  ]
}

function identity(): readonly string[] {
  return [
    '## Identity v2.0',
    `\`{"itemNotFound": {"code": 404, "message": "…"}}\`, or the same in XML: the name of the fault is the member.`,
    table(
      ['fault', 'status', 'when', 'what to do'],
      Object.entries(FAULTS).map(([name, { code: status, what, next }]) => [
        code(name),
        String(status),
        what,
        next,
      ]),
    ),
    '## Identity v3',
    `\`{"error": {"code", "message", "title"}}\`. [identity-v3.md](../identity-v3.md) says more about what each is for.`,
    table(
      ['status', 'title', 'when', 'what to do'],
      Object.entries(V3_ERRORS).map(([status, { title, what, next }]) => [status, title, what, next]),
    ),
  ]
}

function troubles(): readonly string[] {
  return [
    '## Troubles',
    `What \`GET /readyz\` lists, and \`rescind_troubles\` counts ([metrics](metrics.md)), while something is out of order:
200 with \`"status": "degraded"\`, or 503 with \`--ready-strict\`. [out-of-order.md](../run/out-of-order.md) has the steps.`,
    table(
      ['code', 'what is so', 'what to do'],
      Object.entries(TROUBLES).map(([name, { what, next }]) => [code(name), what, next]),
    ),
  ]
}
