import { readObject } from '@rescind/authority'
import type { Source } from '@rescind/core'

/** What engines keep in columns of their own, from a token's facts. A damaged token has neither; nothing lists it. */
export function sourceAndClient(facts: string): {
  readonly source: Source
  readonly client?: string
} {
  const { source, client } = readObject(facts) ?? {}
  return {
    source: typeof source === 'string' ? source : '',
    ...(typeof client === 'string' ? { client } : {}),
  }
}
