import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ContractBroken } from '@rescind/core'
import type { Answer } from '@rescind/dialects'
import { ALWAYS } from '../reply.ts'

export type FastAnswer = {
  readonly answer: Answer
  readonly nowMs: number
  /** The header lines that say whether the connection stays open. */
  readonly held: string
}

/** Writes an answer as one HTTP/1.1 message, headers as Node's own server sends them. @returns as `socket.write`. */
export function writeMessage(socket: Socket, { answer, nowMs, held }: FastAnswer): boolean {
  const { status, headers, body } = answer
  if (typeof body !== 'string') throw new ContractBroken('an answer of the fast path is whole')
  const start = `${startOf(status, headers)}Date: ${dateText(nowMs)}\r\n${held}`
  if (status === 204 || status === 304) return socket.write(`${start}\r\n`, 'latin1')
  const bodyBytes = Buffer.byteLength(body)
  // Nearly every answer is ASCII, and writing it as Latin-1 costs half as much as UTF-8.
  const encoding = bodyBytes === body.length ? 'latin1' : 'utf8'
  return socket.write(`${start}content-length: ${bodyBytes}\r\n\r\n${body}`, encoding)
}

export function heldFor(keepAliveTimeoutMs: number): string {
  return `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1_000)}\r\n`
}

export const NOT_HELD = 'Connection: close\r\n'

/** Status line and own headers. Hot answers share their header objects, so most are built only once. */
const starts: WeakMap<Answer['headers'], { readonly status: number; readonly text: string }> = new WeakMap()

function startOf(status: number, headers: Answer['headers']): string {
  const known = starts.get(headers)
  if (known !== undefined && known.status === status) return known.text
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`
  for (const [name, value] of [...Object.entries(headers), ...ALWAYS]) {
    if (UNSENDABLE.test(name) || UNSENDABLE.test(value))
      throw new ContractBroken(`the header ${name} cannot be sent`)
    text += `${name}: ${value}\r\n`
  }
  starts.set(headers, { status, text })
  return text
}

/** Characters that could end a header line early. Node's own server refuses to send them, too. */
const UNSENDABLE = /[^\t\x20-\x7e]/

let dateSecond = -1
let date = ''

function dateText(nowMs: number): string {
  const second = Math.floor(nowMs / 1_000)
  if (second !== dateSecond) {
    dateSecond = second
    date = new Date(nowMs).toUTCString()
  }
  return date
}
