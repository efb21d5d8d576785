import type { Example } from '../frame/example.ts'
import { OAUTH_EXAMPLES } from './oauth.ts'
import { PENDING_EXAMPLES } from './pending.ts'
import { PEOPLE_EXAMPLES } from './people.ts'
import { RULES_EXAMPLES } from './rules.ts'
import { SERVER_EXAMPLES } from './server.ts'
import { TOKENS_EXAMPLES } from './tokens.ts'
import { VERIFIERS_EXAMPLES } from './verifiers.ts'

/** An example of each call of the control API, by the name of its operation. Secrets in them are cut. */
export const EXAMPLES: ReadonlyMap<string, Example> = new Map(
  Object.entries({
    ...RULES_EXAMPLES,
    ...PENDING_EXAMPLES,
    ...TOKENS_EXAMPLES,
    ...SERVER_EXAMPLES,
    ...VERIFIERS_EXAMPLES,
    ...OAUTH_EXAMPLES,
    ...PEOPLE_EXAMPLES,
  }),
)
