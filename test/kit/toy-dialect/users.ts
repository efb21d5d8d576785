import { type Collection, shaped } from '@rescind/authority'

export type ToyUser = { readonly name: string; readonly keyDigest: string }

/** Users of the toy dialect by name. */
export const TOY_USERS: Collection<ToyUser> = {
  name: 'toyUsers',
  keys: () => [],
  isValue: shaped({ name: 'text', keyDigest: 'text' }),
}
