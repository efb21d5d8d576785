import type { Client } from '../../remote/client.ts'
import { membersOf, textOf } from '../../remote/members.ts'
import type { FindingJson, ReceiptOf } from './report.ts'

/**
 * The receipts that a bulk call has made, by what they cover. One call makes up to 250,000 of them, some 100 bytes each.
 * @param bulk its id. @throws Refused, CommandFailed.
 */
export async function receiptsOf(client: Client, bulk: string): Promise<ReceiptOf> {
  const byTarget = new Map<string, string>()
  const query = { cause: bulk, limit: '500' }
  for await (const item of client.pages('/revocations', 'revocations', { query })) {
    const { id, covers } = membersOf(item)
    const of = membersOf(covers)
    const key = keyOf(of)
    if (key !== undefined) byTarget.set(key, textOf(id))
  }
  return (finding) => (finding['result'] === 'revoked' ? byTarget.get(keyOf(finding) ?? '') : undefined)
}

/** A refresh token ends with its whole grant, so its grant names the receipt. */
function keyOf(of: FindingJson): string | undefined {
  for (const name of ['grant', 'handle', 'jti']) {
    const value = textOf(of[name])
    if (value !== '') return JSON.stringify([name, textOf(of['source']), value])
  }
  return undefined
}
