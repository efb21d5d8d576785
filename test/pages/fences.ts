/** A fenced block of a page. */
export type Fence = {
  /** Of its first line of content, from 1, as an editor shows it. */
  readonly line: number
  readonly language: string
  /** What follows the language: `name`, `name=value` or `name="some words"`. */
  readonly marks: Readonly<Record<string, string>>
  readonly text: string
  /** Whether a heading, or nothing but the beginning of the page, lies between it and the fence before. */
  readonly beginsSection: boolean
}

const OPEN = /^( *)(`{3,}|~{3,})(.*)$/
const MARK = /([a-z][a-z-]*)(?:=(?:"([^"]*)"|(\S+)))?/g

export function fencesOf(markdown: string): readonly Fence[] {
  const lines = markdown.split('\n')
  const fences: Fence[] = []
  let beginsSection = true
  for (let at = 0; at < lines.length; at++) {
    const [, indent = '', ticks = '', info = ''] = OPEN.exec(lines[at] ?? '') ?? []
    if (ticks === '') {
      beginsSection ||= /^#{1,6} /.test(lines[at] ?? '')
      continue
    }
    const end = lines.findIndex((line, index) => index > at && line.trim() === ticks)
    if (end === -1) throw new Error(`the fence of line ${at + 1} is never closed`)
    const text = lines.slice(at + 1, end).map((line) => outdented(line, indent.length))
    fences.push({ line: at + 2, ...parsedInfo(info), text: text.join('\n'), beginsSection })
    beginsSection = false
    at = end
  }
  return fences
}

function parsedInfo(info: string): Pick<Fence, 'language' | 'marks'> {
  const [language = '', ...rest] = info.trim().split(' ')
  const marks = [...rest.join(' ').matchAll(MARK)].map(([, name = '', quoted, plain]) => [
    name,
    quoted ?? plain ?? '',
  ])
  return { language, marks: Object.fromEntries(marks) as Record<string, string> }
}

/** A fence inside a list is indented; its content loses as much. */
function outdented(line: string, columns: number): string {
  return line.slice(Math.min(columns, line.length - line.trimStart().length))
}
