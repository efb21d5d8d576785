import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { difference } from './compare.ts'
import { type Folder, makeFolder, ROOT } from './folder.ts'
import { demandsOf, planOf, type RunStep, type Step } from './plan.ts'
import { REASONS } from './reasons.ts'
import { Session } from './session.ts'

/** A block of a quick page takes seconds; one of the others may install or measure something. */
const BLOCK_TIMEOUT_MS = { quick: 60_000, slow: 600_000 }

/** Says page, line, command, what was expected and what came. */
export class PageLies extends Error {}

/**
 * Does what a page says, in order, in a fresh folder. `say` is told of what is not run.
 * @throws PageLies at the first command that fails or prints something else than the page shows.
 */
export async function runPage(page: string, say: (text: string) => void): Promise<void> {
  await runText(page, readFileSync(join(ROOT, page), 'utf8'), say)
}

export async function runText(page: string, markdown: string, say: (text: string) => void): Promise<void> {
  const steps = planOf(markdown)
  for (const step of steps)
    if (step.kind === 'not-run')
      say(`${page}:${step.fence.line} is not run (${step.reason}): ${REASONS[step.reason]}`)
  if (!steps.some(({ kind }) => kind === 'run')) return
  const fenced = steps.map(({ fence }) => fence.text).join('\n')
  const folder = await makeFolder(fenced)
  const session = new Session({
    cwd: folder.clone,
    scratch: folder.scratch,
    environment: folder.environment,
    blockTimeoutMs: BLOCK_TIMEOUT_MS[demandsOf(markdown).isSlow ? 'slow' : 'quick'],
  })
  try {
    for (const step of steps) await take(page, step, { folder, session })
  } finally {
    await session.close()
    folder.remove()
  }
}

type Running = { readonly folder: Folder; readonly session: Session }

async function take(page: string, step: Step, running: Running): Promise<void> {
  switch (step.kind) {
    case 'run':
      return runStep(page, step, running)
    case 'write':
      return writeFileSync(join(running.folder.clone, step.file), running.folder.free(`${step.fence.text}\n`))
    case 'not-run':
      return undefined
  }
}

async function runStep(page: string, step: RunStep, { folder, session }: Running): Promise<void> {
  const block = { line: step.fence.line, text: folder.free(step.fence.text) }
  if (step.stopsFirst) await session.stop()
  const port = step.port === undefined ? undefined : Number(folder.free(String(step.port)))
  const { stdout, failure } = await (step.inBackground ? session.background(block, port) : session.run(block))
  if (failure !== undefined)
    throw new PageLies(
      `${page}:${failure.line}: ${failure.command}\nexpected: that it succeeds\ncame: ${failure.came}`,
    )
  if (step.outcome === undefined) return
  const { language, line, text } = step.outcome
  const wanted = folder.free(text)
  const how = difference({ language, text: wanted }, stdout)
  if (how !== undefined)
    throw new PageLies(
      `${page}:${line}: ${how}, after\n${block.text}\nexpected:\n${wanted}\ncame:\n${stdout}`,
    )
}
