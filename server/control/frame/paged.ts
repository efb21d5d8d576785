import { type Answer, jsonAnswer } from '@rescind/dialects'
import { z } from 'zod'
import { isAnswer, type Problem } from '../../http/problem.ts'
import { type CursorOf, makeCursor, readCursor } from './cursor.ts'
import type { AnswerShape } from './endpoint.ts'

const PAGE_MAX = 1_000

type PageShape = { readonly cursor: z.ZodOptional<z.ZodString>; readonly limit: z.ZodDefault<z.ZodInt> }

/** The query members of every list of records. */
export const PAGE_QUERY: z.ZodObject<PageShape> = z.object({
  cursor: z.string().optional(),
  limit: z.int().min(1).max(PAGE_MAX).default(100),
})

export type PageQuery = z.output<typeof PAGE_QUERY>

export type PageOf = CursorOf & {
  /** The member of the answer that holds the items. */
  readonly member: string
}

/** `next` is the place that the next page starts after. */
type Page<P> = {
  readonly items: readonly object[]
  readonly next: P | undefined
  /** Why the list may be empty although there is something. */
  readonly hint?: string | undefined
}

/** Answers the page after a cursor, and the cursor of the next one. */
export async function answerPage(
  { member, ...of }: PageOf,
  cursor: string | undefined,
  read: (after: string | undefined) => Promise<Page<string> | Problem>,
): Promise<Answer> {
  const from = readCursor(of, cursor)
  if (isAnswer(from)) return from
  const page = await read(from.place)
  if (isAnswer(page)) return page
  const next = page.next === undefined ? undefined : makeCursor(of, page.next)
  return jsonAnswer(200, { [member]: page.items, next, hint: page.hint })
}

/** The same for lists whose places are numbers. */
export function answerNumberedPage(
  of: PageOf,
  cursor: string | undefined,
  read: (after: number | undefined) => Promise<Page<number> | Problem>,
): Promise<Answer> {
  return answerPage(of, cursor, async (after) => {
    const page = await read(after === undefined ? undefined : Number(after))
    if (isAnswer(page)) return page
    return { ...page, next: page.next === undefined ? undefined : String(page.next) }
  })
}

const A_PAGE = 'A page of them, and the cursor of the next one'

/** The shape of that answer for the API's description. */
export function pageShape(member: string, schema: z.ZodType, what: string = A_PAGE): AnswerShape {
  return { what, schema: z.strictObject({ [member]: z.array(schema), next: z.string().optional() }) }
}
