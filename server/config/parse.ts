import { BlockList, isIP } from 'node:net'
import { resolve } from 'node:path'
import { SettingsRefused } from '@rescind/core'
import { withoutSlashes } from '../machine/net/trailing.ts'

/** Where to listen. `isLoopback`: only this machine can connect. */
export type Listen = { readonly host: string; readonly port: number; readonly isLoopback: boolean }

export function parseListen(text: string, name: string): Listen {
  const split = text.lastIndexOf(':')
  const host = text.slice(0, split).replace(/^\[|\]$/g, '')
  const port = Number(text.slice(split + 1))
  if (split < 1 || !/^\d{1,5}$/.test(text.slice(split + 1)) || port > 65_535) {
    throw new SettingsRefused(`${name}: "${text}" is not HOST:PORT`)
  }
  return { host, port, isLoopback: isLoopback(host) }
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** `off`: the store continues without the side log that it has. */
export type SideLog = { readonly path: string } | 'off'

export function parseSideLog(text: string): SideLog {
  return text === 'off' ? text : { path: resolve(text) }
}

/** Checks only the form. Whether guessable keys are allowed depends on another setting. */
export function parseKey(text: string, name: string): string {
  if (!/^[\x21-\x7e]{1,512}$/.test(text)) {
    throw new SettingsRefused(`${name}: 1 to 512 printable ASCII characters without spaces`)
  }
  return text
}

/** Without a trailing slash. */
export function parsePublicUrl(text: string, name: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && url.search === '' && url.hash === '' && url.username === ''
  if (!isPlain || !isSafe(url)) {
    throw new SettingsRefused(
      `${name}: "${text}" is not an https URL of scheme, host, port and path (http only for loopback)`,
    )
  }
  return withoutSlashes(text)
}

export function parseEndpoint(text: string, name: string): string {
  // RFC 6749 §3.1: no fragment.
  if (!URL.canParse(text) || !isSafe(new URL(text)) || text.includes('#'))
    throw new SettingsRefused(`${name}: "${text}" is not an https URL without a fragment`)
  return text
}

function isSafe({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')))
}

/** Upper bound of all rate limits, per second. */
export const RATE_MAX = 1_000_000

export function wholeNumber(
  text: string,
  { name, min = 0, max }: { readonly name: string; readonly min?: number; readonly max: number },
): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max))
    throw new SettingsRefused(`${name}: a whole number from ${min} to ${max}`)
  return value
}

const DAYS_MAX = 36_500

/** Whole days, `400` or `400d`. */
export function wholeDays(text: string, name: string): number {
  const days = wholeNumber(text.replace(/d$/, ''), { name, max: DAYS_MAX })
  if (days === 0) throw new SettingsRefused(`${name}: at least one day`)
  return days
}

/** Strict, because people disagree about "FALSE", "0" and "no". */
export function trueOrFalse(text: string, name: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new SettingsRefused(`${name}: true or false`)
}

export function oneOf<W extends string>(
  words: readonly W[],
  { name, text }: { readonly name: string; readonly text: string },
): W {
  const word = words.find((known) => known === text)
  if (word !== undefined) return word
  throw new SettingsRefused(`${name}: one of ${words.join(', ')}`)
}
