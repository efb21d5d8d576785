/**
 * For `node --import`: the wall clock of the process differs from the machine's by the milliseconds that stand in the file
 * SKEWED_CLOCK_FILE. The file is read again all the time. Monotonic clocks and timers are left alone.
 */
import { readFileSync } from 'node:fs'

const REREAD_MS = 20
const file = process.env['SKEWED_CLOCK_FILE']
const realNow = Date.now
let offsetMs = 0

function reread(): void {
  if (file === undefined) throw new Error('SKEWED_CLOCK_FILE names no file')
  const value = Number(readFileSync(file, 'utf8'))
  if (Number.isSafeInteger(value)) offsetMs = value
}

reread()
setInterval(reread, REREAD_MS).unref()

const now = (): number => realNow() + offsetMs
globalThis.Date = new Proxy(Date, {
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
  apply: () => new Date().toString(),
})
