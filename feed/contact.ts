import { displayText } from '@rescind/core/bytes'

/** What a verifier does when it cannot prove that it is fresh. */
export const STALE_POLICIES = ['refuse', 'ask', 'allow'] as const
export type StalePolicy = (typeof STALE_POLICIES)[number]

/** What is stored about an instance before its first byte. */
export type Contact = {
  readonly instance: string
  /** Id of the key's record. */
  readonly verifier: string
  readonly label?: string
  readonly boundMs: number
  readonly onStale: StalePolicy
  /** Whether its acknowledgements say which tokens it accepted; absent: not known yet, or an older version. */
  readonly reports?: boolean
  readonly contactMs: number
  /** The end of the log at its first contact: it never accepted a token without knowing earlier rows. */
  readonly firstSeq: number
}

/** The contact in a stored object that has its members, and maybe others. */
export function contactIn(read: Readonly<Record<string, unknown>>): Contact | undefined {
  const { instance, verifier, label, boundMs, onStale, contactMs, firstSeq, reports } = read
  if (typeof instance !== 'string' || typeof verifier !== 'string') return undefined
  if (typeof boundMs !== 'number' || typeof contactMs !== 'number' || typeof firstSeq !== 'number')
    return undefined
  const policy = STALE_POLICIES.find((one) => one === onStale)
  // Labels stored before they were checked may hide characters.
  const named = typeof label === 'string' ? { label: displayText(label) } : {}
  return policy === undefined
    ? undefined
    : {
        instance,
        verifier,
        ...named,
        ...(reports === true ? { reports } : {}),
        boundMs,
        onStale: policy,
        contactMs,
        firstSeq,
      }
}
