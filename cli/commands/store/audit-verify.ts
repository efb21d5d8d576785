import { createReadStream, existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { KnownCheckpoint } from '@rescind/authority'
import { SettingsRefused, unreachable } from '@rescind/core'
import { readCheckpoint } from '@rescind/core/log'
import {
  checkConfig,
  checkLogFile,
  checkStore,
  evidenceKeyIn,
  evidenceWords,
  readMasterKey,
  type StoreLogChecked,
} from '@rescind/server'
import { openStore } from '@rescind/stores'
import type { Call } from '../../frame/call.ts'
import type { ExitCode } from '../../frame/exit-codes.ts'
import type { Io } from '../../frame/io.ts'
import { pathText } from '../../frame/token-text.ts'
import { settingValues } from '../setting-values.ts'
import { isServerNamed, verifyServer } from './audit-verify-server.ts'
import { sentenceOn, wordsFor } from './log-sentences.ts'
import { fileStore, tell } from './store-words.ts'

type Verified = {
  readonly lines: readonly string[]
  readonly isRight: boolean
  readonly signer?: 'known' | 'unproven'
}

/**
 * `rescind audit verify [FILE] [--position P]… [--signer K]`: checks an export of a log or evidence of an incident. Without
 * a file it checks the logs that a server exports, if one is named and no setting of a store is given; else those of a
 * store: one that is stopped, or one in a database, where nodes may run.
 * @throws SettingsRefused, StoreRefused.
 */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const file = call.positional(0)
  const positions = call.texts('position')
  if (positions.some((text) => readCheckpoint(text) === undefined))
    throw new SettingsRefused('--position: not a position of a log; copy one from a receipt or a verifier')
  const [flag] = call.settings
  if (file !== undefined && flag !== undefined)
    throw new SettingsRefused(`${flag.split('=')[0]}: this flag does not apply to the check of a file`)
  if (file === undefined && call.text('signer') !== undefined)
    throw new SettingsRefused('--signer: this flag applies to the check of evidence; name the file')
  const { lines, isRight, signer }: Verified = await (file !== undefined
    ? verifyFile(file, { io, positions, signer: call.text('signer') })
    : flag === undefined && isServerNamed(call, io)
      ? verifyServer(call, io, knownIn(positions))
      : verifyStore({ call, io, positions }))
  return tell(io, { lines, isWhole: isRight, signer })
}

function knownIn(positions: readonly string[]): readonly KnownCheckpoint[] {
  return positions.flatMap((text) => readCheckpoint(text) ?? [])
}

type FileKnown = {
  readonly io: Io
  readonly positions: readonly string[]
  readonly signer: string | undefined
}

async function verifyFile(file: string, { io, positions, signer }: FileKnown): Promise<Verified> {
  const keyId = signer === undefined ? undefined : await keyIdOf(signer, io)
  const known = { positions: knownIn(positions), keyId }
  const checked = await checkLogFile(bytesOf(file, io), known)
  switch (checked.kind) {
    case 'not-ours':
      throw new SettingsRefused(`${pathText(file)}: neither an export of a log nor evidence`)
    case 'evidence':
      return {
        ...{ lines: evidenceWords(checked, wordsFor), isRight: true },
        signer: checked.isKeyKnown ? 'known' : 'unproven',
      }
    case 'evidence-wrong':
      return { lines: evidenceWords(checked, wordsFor), isRight: false }
    default:
      if (keyId !== undefined)
        throw new SettingsRefused('--signer: an export of a log is not signed; give a --position instead')
      return { lines: [sentenceOn(checked)], isRight: checked.kind === 'right' }
  }
}

/** The thumbprint of the key that the evidence must be signed with: a file with the key or its thumbprint, or that itself. */
async function keyIdOf(signer: string, io: Io): Promise<string> {
  const keyId = evidenceKeyIn(existsSync(signer) ? await beginningOf(signer, io) : signer)
  if (keyId === undefined)
    throw new SettingsRefused(
      `--signer: neither the thumbprint of an evidence key nor a file with one; see GET /control/v1/evidence/key`,
    )
  return keyId
}

async function beginningOf(file: string, io: Io): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bytesOf(file, io)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > KEY_FILE_MAX_BYTES) break
  }
  return Buffer.concat(chunks).toString('utf8', 0, KEY_FILE_MAX_BYTES)
}

/** No key is longer. */
const KEY_FILE_MAX_BYTES = 65_536

async function* bytesOf(file: string, io: Io): AsyncGenerator<Uint8Array, void> {
  if (file !== '-' && !existsSync(file)) throw new SettingsRefused(`${pathText(file)}: no such file`)
  try {
    yield* file === '-' ? io.input : createReadStream(file)
  } catch (error) {
    if (!isErrno(error)) throw error
    throw new SettingsRefused(`${pathText(file)}: cannot be read (${error.code})`)
  }
}

function isErrno(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'syscall' in error
}

type StoreCheck = { readonly call: Call; readonly io: Io; readonly positions: readonly string[] }

async function verifyStore({ call, io, positions }: StoreCheck): Promise<Verified> {
  const { store, masterKeyFile } = checkConfig(settingValues(call, io))
  if (!store.isDurable)
    throw new SettingsRefused(
      'store: a store in memory cannot be checked; give --store sqlite:PATH or postgres://…',
    )
  const url = fileStore(store) ?? store
  if (url.path !== undefined && !existsSync(url.path))
    throw new SettingsRefused(`store: ${url.path} does not exist`)
  const master = readMasterKey(resolve(masterKeyFile))
  const opened = await openStore(url, {
    ...{ floorMs: 0, sideLog: 'unread', mustExist: true },
    // What is checked before an operator decides.
    afterTakeover: true,
  })
  try {
    const lines: string[] = []
    let [isRight, met] = [true, 0]
    for await (const checked of checkStore({ store: opened, master, positions })) {
      if (checked.kind === 'unchecked') {
        lines.push(`${checked.realm}: UNREADABLE: ${checked.why}; its log was not checked`)
        isRight = false
        continue
      }
      lines.push(`${sentenceOn(checked)}${checkpointNote(checked)}`)
      isRight &&= checked.kind === 'right' && checked.checkpoint !== 'forged'
      met += checked.positions
    }
    if (met < positions.length) lines.push('WRONG: a given position belongs to no log of this store')
    return { lines, isRight: isRight && met >= positions.length }
  } finally {
    await opened.close()
  }
}

function checkpointNote({ checkpoint }: StoreLogChecked): string {
  switch (checkpoint) {
    case 'checkpoint':
      return ''
    case 'none':
      return ' (no checkpoint was written yet, so rows cut off at the end would not show)'
    case 'forged':
      return ' WRONG: its checkpoint was not made by this server'
    default:
      return unreachable(checkpoint)
  }
}
