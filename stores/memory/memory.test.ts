import { storeContract } from '../contract/suite.ts'
import { MemoryStore } from './store.ts'

const PLACES = 'a place in a page is a count of tokens, and a token that comes back stands last'

storeContract(
  'MemoryStore',
  async () => {
    const store = new MemoryStore(1_000)
    return { store, reopen: async () => store, destroy: () => store.close() }
  },
  {
    durable: false,
    todo: {
      'tokens stand in the same order after a unit that forgot one and then conflicted': PLACES,
      'the place after a page stays right when tokens before it are forgotten, extended, or put after it':
        PLACES,
    },
  },
)
