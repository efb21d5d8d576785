import { type Calls, succeeded, textAt } from '../calls.ts'
import { TOY_KEY, TOY_USER } from './hostile.ts'

type Seed = { readonly realms: readonly unknown[] }

/** The seed with somebody in its first realm who can log in to the toy dialect. */
export function withToyUsers({ realms: [first, ...more] }: Seed): Seed {
  return { realms: [{ ...Object(first), toyUsers: [TOY_USER] }, ...more] }
}

export async function toyToken(calls: Calls): Promise<string> {
  return textAt(succeeded(await calls.send('POST /toy/login', [TOY_KEY]), 'a toy login'), 'toy', 'token')
}
