import { Nodes, type Store } from '@rescind/authority'
import { type Clock, StoreRefused, StoreUnavailable } from '@rescind/core'
import type { Config } from '../config/config.ts'

/**
 * Joins the other processes of a shared store; undefined: it is not shared. @throws StoreRefused; the store is closed then.
 */
export async function joinNodes(
  store: Pick<Store, 'nodes' | 'close'>,
  config: Pick<Config, 'nodeBound' | 'acknowledge'>,
  clock: Clock,
): Promise<Nodes | undefined> {
  const { nodes: port } = store
  if (port === undefined) return undefined
  const { nodeBound: boundMs, acknowledge } = config
  try {
    return await Nodes.join({ port, clock, later, boundMs, acknowledge })
  } catch (error) {
    // Its row may be there already, and the others would wait for it.
    await port.leave()
    await store.close()
    throw error instanceof StoreUnavailable ? new StoreRefused(`store: ${error.message}`) : error
  }
}

function later(ms: number, task: () => void): () => void {
  const timer = setTimeout(task, ms).unref()
  return () => clearTimeout(timer)
}
