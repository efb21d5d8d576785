import { type Calls, succeeded, textAt } from '../calls.ts'
import { TOY_KEY, TOY_USER } from './hostile.ts'

type Seed = { readonly realms: readonly unknown[] }

/** Adds a user of the toy dialect to the seed's first realm. */
export function withToyUsers({ realms: [first, ...more] }: Seed): Seed {
  return { realms: [{ ...Object(first), toyUsers: [TOY_USER] }, ...more] }
}

export async function toyToken(calls: Calls): Promise<string> {
  return textAt(succeeded(await calls.send('POST /toy/login', [TOY_KEY]), 'a toy login'), 'toy', 'token')
}
