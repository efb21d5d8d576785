import { type Route, withHead } from '@rescind/dialects'
import type { Endpoint } from './endpoint.ts'

/** A table of endpoints by path. @throws TypeError for two endpoints of one path and method. */
export function routesOf(endpoints: readonly Endpoint[]): readonly Route<Endpoint>[] {
  return [...Map.groupBy(endpoints, ({ path }) => path)].map(([template, all]) => {
    const methods = new Map<string, Endpoint>()
    for (const one of all) {
      if (methods.has(one.method)) throw new TypeError(`${one.method} ${template} is there twice`)
      methods.set(one.method, one)
    }
    const get = methods.get('GET')
    return { template, methods: get !== undefined && isStreamed(get) ? methods : withHead(methods) }
  })
}

/** An endless answer has no HEAD. */
function isStreamed({ answers }: Endpoint): boolean {
  return Object.values(answers).some(({ type }) => type === 'text/event-stream')
}
