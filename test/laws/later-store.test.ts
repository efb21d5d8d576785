import { MemoryStore } from '@rescind/stores'
import { storeContract } from '@rescind/stores/contract'
import { laterStore } from '../kit/later-store.ts'

storeContract(
  'a store that answers in later turns',
  async () => {
    const store = laterStore(new MemoryStore(1_000))
    return { store, reopen: async () => store, destroy: () => store.close() }
  },
  { durable: false },
)
