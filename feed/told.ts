import { type PublishedInstance, readObject } from '@rescind/authority'
import { type Contact, contactIn } from './contact.ts'

/** What a node says about an instance that has contacted it. */
export type Told = {
  readonly contact: Contact
  /** It has a stream at that node. */
  readonly isConnected: boolean
  readonly from: string | undefined
  readonly position: string | undefined
  /** When it acknowledged the last row that it has applied. */
  readonly appliedAtMs: number | undefined
  readonly seenMs: number
}

export function toldText({ contact, isConnected, from, position, appliedAtMs, seenMs }: Told): string {
  return JSON.stringify({ ...contact, isConnected, from, position, appliedAtMs, seenMs })
}

/** @returns undefined for what another version may have published. */
export function toldIn({ body }: PublishedInstance): Told | undefined {
  const read = readObject(body) ?? {}
  const contact = contactIn(read)
  const { isConnected, from, position, appliedAtMs, seenMs } = read as Partial<Record<keyof Told, unknown>>
  if (contact === undefined || typeof seenMs !== 'number') return undefined
  return {
    contact,
    isConnected: isConnected === true,
    from: typeof from === 'string' ? from : undefined,
    position: typeof position === 'string' ? position : undefined,
    appliedAtMs: typeof appliedAtMs === 'number' ? appliedAtMs : undefined,
    seenMs,
  }
}
