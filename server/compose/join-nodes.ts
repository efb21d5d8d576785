import { Nodes, type Store, type TakeoverEvent } from '@rescind/authority'
import { type Clock, StoreRefused, StoreUnavailable } from '@rescind/core'
import type { Logger } from 'pino'
import type { Config } from '../config/config.ts'

export type JoinParts = { readonly clock: Clock; readonly log: Logger }

/**
 * Joins the other processes of a shared store; undefined: it is not shared. @throws StoreRefused; the store is closed then.
 */
export async function joinNodes(
  store: Pick<Store, 'nodes' | 'close'>,
  { nodeBound: boundMs, acknowledge }: Pick<Config, 'nodeBound' | 'acknowledge'>,
  { clock, log }: JoinParts,
): Promise<Nodes | undefined> {
  const { nodes: port } = store
  if (port === undefined) return undefined
  const told = (event: TakeoverEvent): void => log.warn(...wordsOf(event))
  try {
    return await Nodes.join({ port, clock, later, boundMs, acknowledge, told })
  } catch (error) {
    // Its row may be there already, and the others would wait for it.
    await port.leave()
    await store.close()
    throw error instanceof StoreUnavailable ? new StoreRefused(`store: ${error.message}`) : error
  }
}

/** The line of the log, with its members. */
function wordsOf(event: TakeoverEvent): [members: object, text: string] {
  switch (event.kind) {
    case 'taken-over':
      return [
        {},
        'another PostgreSQL server has taken over; nothing is answered until all nodes have said what they know',
      ]
    case 'went-on':
      return [{}, 'nothing is missing on the server that took over; going on']
    case 'new-epoch':
      return [
        { realms: event.realms },
        'a new epoch has begun on the server that took over: every token issued before is lost in these realms',
      ]
  }
}

function later(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms).unref()
  return () => clearTimeout(timer)
}
