import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { SettingsRefused } from '@rescind/core'
import { refuseIfOpen } from '../machine/key-files.ts'
import { readRegularFile } from '../machine/regular-file.ts'

export type TlsFiles = { readonly certFile: string; readonly keyFile: string }
export type TlsPair = { readonly cert: string; readonly key: string; readonly files: TlsFiles }

/**
 * Reads a certificate and its key and checks that they match. With a mismatched pair the server would listen, but every
 * handshake would fail.
 * @throws SettingsRefused for an unreadable file, a key that other users can read, or a mismatched pair.
 */
export function readTls(files: TlsFiles): TlsPair {
  const { certFile, keyFile } = files
  const cert = readRegularFile('tlsCert', certFile).toString('utf8')
  const key = readRegularFile('tlsKey', keyFile).toString('utf8')
  refuseIfOpen('tlsKey', keyFile)
  const leaf = certificateIn(cert)
  if (leaf === undefined)
    throw new SettingsRefused(`tlsCert: ${certFile} does not contain a certificate in PEM`)
  const secret = keyIn(key)
  if (secret === undefined)
    throw new SettingsRefused(`tlsKey: ${keyFile} does not contain a private key in PEM without a passphrase`)
  if (!leaf.checkPrivateKey(secret))
    throw new SettingsRefused(`tlsKey: ${keyFile} is not the key of the first certificate in ${certFile}`)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const [reason] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new SettingsRefused(`tlsCert: ${certFile} cannot be served: ${reason}`)
  }
  return { cert, key, files }
}

/** @returns why clients will refuse the certificate now, if they will. It is only reported: our clock may be wrong. */
export function untimely({ cert }: TlsPair, nowMs: number): string | undefined {
  const leaf = new X509Certificate(cert)
  if (nowMs < Date.parse(leaf.validFrom)) return `it is not valid before ${leaf.validFrom}`
  if (nowMs > Date.parse(leaf.validTo)) return `it has not been valid since ${leaf.validTo}`
  return undefined
}

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function keyIn(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
