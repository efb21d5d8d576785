/** What a call may look like; a test checks it against the schemas of its endpoint. */
export type Example = {
  /** JSON, or the lines of a streamed body. Absent: the call has none. */
  readonly body?: unknown
  /** By status: JSON, or the text of another type. */
  readonly answers?: Readonly<Record<number, unknown>>
}

/** Lines of NDJSON. */
export function ndjsonOf(...lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** Server-sent events, each with its name. */
export function eventsOf(...events: readonly (readonly [name: string, data: object])[]): string {
  return events.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join('')
}
