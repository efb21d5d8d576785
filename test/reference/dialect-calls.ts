import { CHAT_BOUNDS } from '../../dialects/chat/bounds.ts'
import { ChatRates } from '../../dialects/chat/rates.ts'
import { CHAT_CALLERS, chatRoutes } from '../../dialects/chat/routes.ts'
import { V2_ROUTES } from '../../dialects/identity/v2/routes.ts'
import { V3_ROUTES } from '../../dialects/identity/v3/routes.ts'
import { oauthRoutes } from '../../dialects/oauth/dialect.ts'
import { Scans } from '../../dialects/wire/scans.ts'
import { WrongKeys } from '../../dialects/wire/wrong-keys.ts'

/** A method of a path of a dialect, as its router has it. */
export type DialectCall = {
  readonly method: string
  readonly template: string
  readonly caller: string
  /** Of good answers. */
  readonly done: readonly number[]
  /** What it can answer that not every call of its dialect can. */
  readonly also: readonly number[]
}

/** What every call of these dialects can be refused with, beside 400, 405, 408, 431, 500 and 503. */
export const CHAT_REFUSALS: readonly number[] = [401, 403, 413, 429]
/** 406 where the answer has a body, 415 where one is read. */
export const V2_REFUSALS: readonly number[] = [401, 403, 404, 406, 413, 415]
export const V3_REFUSALS: readonly number[] = [401, 403, 404, 413]

export function oauthCalls(): readonly DialectCall[] {
  return oauthRoutes().flatMap(({ path, methods, caller, statuses }) =>
    methods.map((method) => {
      const own = statuses.filter((status) => (status === 204) === (method === 'OPTIONS'))
      return {
        method,
        template: path,
        caller: method === 'OPTIONS' ? 'anybody' : caller,
        done: own.filter((status) => status < 400),
        also: method === 'POST' ? own.filter((status) => status >= 400) : [],
      }
    }),
  )
}

export function chatCalls(): readonly DialectCall[] {
  const tools = {
    rates: new ChatRates(0),
    wrongKeys: new WrongKeys(),
    bounds: CHAT_BOUNDS,
    scans: new Scans(),
    external: undefined,
    live: undefined,
  }
  return chatRoutes(tools).flatMap(({ template, methods }) =>
    [...methods].map(([method, { caller, also }]) => {
      return { method, template, caller: CHAT_CALLERS[caller], done: [200], also }
    }),
  )
}

export function v2Calls(): readonly DialectCall[] {
  return V2_ROUTES.flatMap(({ template, methods }) =>
    [...methods].map(([method, { done, also }]) => {
      return { method, template, caller: '', done: [done], also }
    }),
  )
}

export function v3Calls(): readonly DialectCall[] {
  return V3_ROUTES.flatMap(({ template, methods }) =>
    [...methods].map(([method, { done, also }]) => {
      return { method, template, caller: '', done: [done], also }
    }),
  )
}
