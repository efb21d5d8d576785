import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'
import { type Case, issueAll } from './cases.ts'
import { send } from './http.ts'
import type { Probe } from './probes.ts'
import { type Row, tableText } from './table.ts'

/**
 * `npm run demo`: the real server on a store of its own, a token of each kind, each revoked by its own dialect's
 * call; then the server is killed and started again. Exit code 1 when anything is not as it should be.
 */
const HEADING = ['token', 'accepted', 'revoked by', 'refused', 'after kill -9']

/** A cell, and whether it says what it must. */
type Cell = { readonly lines: readonly string[]; readonly isRight: boolean }

type Life = 'live' | 'dead'

async function demo(): Promise<boolean> {
  const home = makeHome()
  let server: ServerProcess | undefined
  try {
    const startedAt = performance.now()
    server = await startProcess({ home })
    const cases = await issueAll(server.url)
    const accepted = await column(cases, (one) => probed(one.probes, 'live', server))
    const revoked = await column(cases, (one) => revokedBy(one, server))
    const refused = await column(cases, (one) => afterwards(one, server))
    await server.kill()
    server = await startProcess({ home })
    const restarted = await column(cases, (one) => afterwards(one, server))
    const cells = cases.map((_, at) => [accepted[at], revoked[at], refused[at], restarted[at]])
    const rows = cells.map((row, at): Row => [cases[at]?.token ?? [], ...row.map((cell) => shown(cell))])
    const isRight = cells.flat().every((cell) => cell?.isRight === true)
    print(`${tableText(HEADING, rows)}\n`)
    print(`${verdict(isRight)} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s)`)
    return isRight
  } finally {
    await server?.kill()
    home.remove()
  }
}

/** One after another: the order in which things are asked is part of what is shown. */
async function column(cases: readonly Case[], make: (one: Case) => Promise<Cell>): Promise<readonly Cell[]> {
  const cells: Cell[] = []
  for (const one of cases) cells.push(await make(one))
  return cells
}

type Server = Pick<ServerProcess, 'url'> | undefined

async function probed(probes: readonly Probe[], life: Life, server: Server): Promise<Cell> {
  const lines: string[] = []
  let isRight = true
  for (const { name, ask, ...expected } of probes) {
    const said = await ask(server?.url ?? '')
    const asItShould = said === expected[life]
    isRight &&= asItShould
    lines.push(asItShould ? `${name}: ${said}` : `${name}: ${said}, NOT ${expected[life]}`)
  }
  return { lines, isRight }
}

async function revokedBy({ end }: Case, server: Server): Promise<Cell> {
  switch (end.kind) {
    case 'call': {
      const askedAt = performance.now()
      const { status } = await send(server?.url ?? '', end.ask)
      const tookMs = (performance.now() - askedAt).toFixed(1)
      const isRight = status === end.status
      const said = isRight ? `${status} in ${tookMs} ms` : `${status}, NOT ${end.status}`
      return { lines: [end.name, said], isRight }
    }
    case 'with-previous':
      return { lines: ['(the same call:', 'it ends the whole grant)'], isRight: true }
    case 'never':
      return { lines: ['(nothing)'], isRight: true }
  }
}

function afterwards({ end, probes, onlyAfter }: Case, server: Server): Promise<Cell> {
  if (end.kind === 'never') return probed(probes, 'live', server)
  return probed([...probes, ...(onlyAfter ?? [])], 'dead', server)
}

function shown(cell: Cell | undefined): readonly string[] {
  return cell?.lines ?? ['(not asked)']
}

function verdict(isRight: boolean): string {
  return isRight ? 'Every cell is as it should be.' : 'NOT every cell is as it should be: see above.'
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

process.exitCode = (await demo()) ? 0 : 1
