import { type Fence, fencesOf } from './fences.ts'
import { isReason, type Reason } from './reasons.ts'

export type RunStep = {
  readonly kind: 'run'
  readonly fence: Fence
  /** Left running; the next step begins when it listens. */
  readonly inBackground: boolean
  /** The port that says so, where it prints nothing. */
  readonly port: number | undefined
  /** What runs in the background is stopped first, as by Ctrl-C. */
  readonly stopsFirst: boolean
  /** What it must print. */
  readonly outcome: Fence | undefined
}

export type Step =
  | RunStep
  | { readonly kind: 'write'; readonly fence: Fence; readonly file: string }
  | { readonly kind: 'not-run'; readonly fence: Fence; readonly reason: Reason }

export type Demands = {
  /** Whether it has commands at all. */
  readonly runs: boolean
  /** Debian packages that its commands need. */
  readonly needs: readonly string[]
  /** For `npm run test:pages`: it needs packages, or takes long. */
  readonly isSlow: boolean
}

const COMMANDS = ['sh', 'bash']
const OUTCOMES = ['text', 'json', 'http']
const PROGRAMS = ['js', 'ts']
const MARKS: Readonly<Record<'commands' | 'outcome', readonly string[]>> = {
  commands: ['background', 'stopped', 'port', 'needs', 'slow'],
  outcome: [],
}

/** What is done with each fence of a page. @throws on a fence of which nothing is known. */
export function planOf(markdown: string): readonly Step[] {
  const fences = fencesOf(markdown)
  const steps: Step[] = []
  fences.forEach((fence, at) => {
    const step = outcomeOf(fences, at - 1) === fence ? undefined : stepOf(fence, outcomeOf(fences, at))
    if (step !== undefined) steps.push(step)
  })
  return steps
}

export function demandsOf(markdown: string): Demands {
  const marks = fencesOf(markdown).map((fence) => fence.marks)
  const needs = marks.flatMap(({ needs: names }) => names?.split(' ') ?? [])
  const runs = fencesOf(markdown).some((fence) => COMMANDS.includes(fence.language) && isRun(fence))
  return { runs, needs, isSlow: needs.length > 0 || marks.some(({ slow }) => slow !== undefined) }
}

function stepOf(fence: Fence, outcome: Fence | undefined): Step {
  const { language, marks } = fence
  const reason = marks['not-run']
  if (reason !== undefined) {
    if (!isReason(reason)) throw new Error(`line ${fence.line}: "${reason}" is no reason of reasons.ts`)
    return { kind: 'not-run', fence, reason }
  }
  if (marks['file'] !== undefined) return { kind: 'write', fence, file: marks['file'] }
  if (PROGRAMS.includes(language)) return { kind: 'not-run', fence, reason: 'program' }
  if (!COMMANDS.includes(language)) throw new Error(`line ${fence.line}: ${unknownFence(fence)}`)
  refuseOtherMarks(fence, MARKS.commands)
  const { background, stopped, port } = marks
  return {
    kind: 'run',
    fence,
    inBackground: background !== undefined,
    port: port === undefined ? undefined : Number(port),
    stopsFirst: stopped !== undefined,
    outcome,
  }
}

/** The fence that says what this one prints: the next one of the same section, if it is of that kind. */
function outcomeOf(fences: readonly Fence[], at: number): Fence | undefined {
  const [commands, next] = [fences[at], fences[at + 1]]
  if (commands === undefined || next === undefined || next.beginsSection) return undefined
  if (!COMMANDS.includes(commands.language) || !isRun(commands) || commands.marks['background'] !== undefined)
    return undefined
  if (!OUTCOMES.includes(next.language) || !isRun(next)) return undefined
  refuseOtherMarks(next, MARKS.outcome)
  return next
}

function isRun({ marks }: Fence): boolean {
  return marks['not-run'] === undefined && marks['file'] === undefined
}

function refuseOtherMarks({ line, marks }: Fence, known: readonly string[]): void {
  const other = Object.keys(marks).find((name) => !known.includes(name))
  if (other !== undefined) throw new Error(`line ${line}: a fence has no mark "${other}"`)
}

function unknownFence({ language }: Fence): string {
  if (OUTCOMES.includes(language))
    return `this ${language} follows no commands: mark it file=NAME or not-run="REASON" (reasons.ts)`
  return `a fence of "${language}" is run by nothing: mark it file=NAME or not-run="REASON" (reasons.ts)`
}
