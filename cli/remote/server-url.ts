import { WrongUse } from '../frame/failure.ts'
import { quoted } from '../frame/token-text.ts'

export const DEFAULT_URL = 'http://127.0.0.1:8080'

/** Over plain http the key could be read on its way, except within this machine. @throws WrongUse. */
export function serverUrl(text: string, name = '--url'): URL {
  const url = URL.parse(text)
  if (url === null)
    throw new WrongUse(`${name}: ${quoted(text)} is no URL`, `give one such as ${DEFAULT_URL}`)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname)))
    throw new WrongUse(
      `${name}: must be https`,
      'over plain http others could read the key; only this machine may be reached so',
    )
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new WrongUse(`${name}: must have only scheme, host and path`)
  return url
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}
