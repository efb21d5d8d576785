import type { Call } from '../../frame/call.ts'
import { EXIT, type ExitCode } from '../../frame/exit-codes.ts'
import { WrongUse } from '../../frame/failure.ts'
import type { Io } from '../../frame/io.ts'
import { type ControlPath, openClient } from '../../remote/client.ts'
import { membersOf } from '../../remote/members.ts'
import { pastIn } from '../../targets/instants.ts'
import { exposureLines } from './exposure-lines.ts'
import { wholeExposure } from './whole-exposure.ts'

/** `rescind exposure [ID] [--issuer URL --jti ID]`: who accepted a token, or what a revocation covers. */
export async function run(call: Call, io: Io): Promise<ExitCode> {
  const { path, query } = askedFor(call)
  const since = pastIn(call, 'since')
  const client = await openClient(call, io)
  const json = path.startsWith('/revocations/')
    ? await wholeExposure(client, path, { since })
    : membersOf((await client.get(path, { query: { ...query, since } })).json)
  io.result(json, () => exposureLines(json))
  return EXIT.done
}

type Asked = { readonly path: ControlPath; readonly query: Readonly<Record<string, string | undefined>> }

function askedFor(call: Call): Asked {
  const [id, issuer, jti] = [call.positional(0), call.text('issuer'), call.text('jti')]
  if ((issuer === undefined) !== (jti === undefined))
    throw new WrongUse('--issuer and --jti name a token together', 'give both')
  if ((id === undefined) === (issuer === undefined))
    throw new WrongUse('which token?', 'give a handle (tok_…), a receipt (rev_…), or --issuer and --jti')
  if (id === undefined) return { path: '/exposure', query: { issuer, jti } }
  const collection = id.startsWith('rev_') ? 'revocations' : 'tokens'
  return { path: `/${collection}/${encodeURIComponent(id)}/exposure`, query: {} }
}
