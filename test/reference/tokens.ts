import { MODULES } from '@rescind/server'
import { PREFIX, PREFIX_WHAT } from '../../authority/realm/token-text.ts'
import { FOREIGN_KINDS, RECORD_KINDS } from '../../core/tokens/kinds.ts'
import { code, codes, markdown, type Page, table, WRITTEN, yes } from './markdown.ts'

export function tokensPage(): Page {
  return {
    path: 'reference/tokens.md',
    text: markdown([
      '# Kinds of tokens',
      `Every kind of token that the server issues or judges. ${WRITTEN}`,
      `**May be presented**: with a request, as a credential; the other kinds are for one endpoint of their own.
**Single use**: one use ends it. [who-may.md](../who-may.md) says who may read, list and end which tokens.`,
      table(
        ['kind', 'what it is', 'dialect', 'source', 'may be presented', 'single use'],
        [...Object.entries(RECORD_KINDS).map(recordRow), ...Object.entries(FOREIGN_KINDS).map(foreignRow)],
      ),
      '## Prefixes',
      `Minted text is a prefix, 30 random base62 characters (178 bits) and a checksum of six, so that a scanner finds leaked
text without a look-up ([leak-response.md](../leak-response.md)). A realm can choose prefixes of its own by
\`PUT /control/v1/token-prefixes\`, but for those of keys and sessions.`,
      table(
        ['prefix', 'what begins with it'],
        Object.entries(PREFIX).map(([kind, prefix]) => [
          code(prefix),
          PREFIX_WHAT[kind as keyof typeof PREFIX],
        ]),
      ),
    ]),
  }
}

type Traits = { readonly what: string; readonly isUsable: boolean; readonly isSingleUse: boolean }

function recordRow([kind, traits]: readonly [string, Traits]): readonly string[] {
  const minting = MODULES.filter(({ tokenKinds }) => tokenKinds.some((one) => one === kind))
  const sources = minting.flatMap((module) => module.sources.map(({ form }) => form))
  return row(kind, traits, [minting.map(({ title }) => title).join(', '), codes(sources)])
}

function foreignRow([kind, traits]: readonly [string, Traits]): readonly string[] {
  return row(kind, traits, ['a registered issuer ([issuers.md](../issuers.md))', code('iss:{issuer}')])
}

function row(kind: string, { what, isUsable, isSingleUse }: Traits, origin: readonly string[]): string[] {
  return [code(kind), what, ...origin, yes(isUsable), yes(isSingleUse)]
}
