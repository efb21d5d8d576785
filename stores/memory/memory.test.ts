import { storeContract } from '../contract/suite.ts'
import { MemoryStore } from './store.ts'

storeContract(
  'MemoryStore',
  async () => {
    const store = new MemoryStore(1_000)
    return { store, reopen: async () => store, destroy: () => store.close() }
  },
  {
    durable: false,
  },
)
