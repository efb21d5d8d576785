import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it, type TestContext } from 'node:test'
import { sha256 } from '@rescind/core/bytes'
import { chainAfter } from '@rescind/core/log'
import { Calls, CONTROL } from '../kit/calls.ts'
import { SVC } from '../kit/seed.ts'
import { makeHome, type ServerProcess, startProcess } from '../kit/server.ts'
import { type Ended, runCommand, runHere } from './kit/command.ts'

/** The id of the default realm's first row. */
const FIRST = 2 ** 40

type LogColumns = {
  id: number
  at: number
  kind: number
  rule: Uint8Array
  audit: Uint8Array
  chain: Uint8Array
}

describe('rescind audit verify', () => {
  const home = makeHome()
  let exported = ''
  let evidence = ''
  let key = ''

  before(async () => {
    const server: ServerProcess = await startProcess({ home })
    const calls = new Calls(Number(new URL(server.url).port))
    for (let nth = 0; nth < 8; nth += 1) await calls.oauthRevoke(SVC, await calls.oauthToken(SVC))
    const json = [CONTROL, 'Content-Type: application/json']
    const target = { source: 'oauth', subject: 'ann' }
    const rule = JSON.stringify({ target, reason: 'leak' })
    assert.equal((await calls.send('POST /control/v1/revocations', json, rule)).status, 201)
    evidence = (await calls.send('POST /control/v1/evidence', json, '{"reason":"leak"}')).body.toString()
    key = (await calls.send('GET /control/v1/evidence/key', [CONTROL])).body.toString()
    exported = (await calls.send('GET /control/v1/audit/export', [CONTROL])).body.toString()
    calls.close()
    assert.equal(await server.stop(), 0)
  })
  after(() => home.remove())

  function verify(folder: string, ...more: readonly string[]): Promise<Ended> {
    const flags = [
      ...['--store', `sqlite:${join(folder, 'data', 'rescind.db')}`],
      ...['--master-key-file', join(folder, 'data', 'master.key')],
    ]
    return runHere({ words: ['audit', 'verify', ...flags, ...more], folder })
  }

  /** The command's verdict on a copy of the store that was written to. */
  async function afterwards(t: TestContext, act: (db: DatabaseSync) => void): Promise<Ended> {
    const copy = makeHome()
    t.after(() => copy.remove())
    cpSync(home.folder, copy.folder, { recursive: true })
    const db = new DatabaseSync(join(copy.folder, 'data', 'rescind.db'))
    act(db)
    db.close()
    return verify(copy.folder)
  }

  it('[G11] finds an untouched store right, realm by realm', async () => {
    const { code, stdout: output } = await verify(home.folder)
    assert.equal(code, 0, output)
    assert.match(output, /^default: right: \d+ rows up to \d+, chain [\w-]{43}$/m)
    assert.match(output, /^system: right: \d+ rows/m)
  })

  const row = FIRST + 20
  const changes: readonly (readonly [name: string, sql: string, expected: RegExp])[] = [
    ['removed', `DELETE FROM log WHERE id = ${row}`, /default: WRONG at row 20: it is missing/],
    [
      'altered',
      `UPDATE log SET at = at + 1 WHERE id = ${row}`,
      /default: WRONG at row 20: .* not the (?:row|one) that was written/,
    ],
    [
      'given another audit text',
      `UPDATE log SET audit = CAST('{"by":"nobody"}' AS BLOB) WHERE id = ${row}`,
      /default: WRONG at row 20/,
    ],
    [
      'added at the end',
      `INSERT INTO log (id, at, kind, rule, audit, chain)
        SELECT (SELECT max(id) + 1 FROM log WHERE id < 2 * ${FIRST}), at, kind, rule, audit, chain FROM log WHERE id = ${row}`,
      /default: WRONG at row \d+/,
    ],
    [
      'removed at the end',
      `DELETE FROM log WHERE id = (SELECT max(id) FROM log WHERE id > ${FIRST} AND id < 2 * ${FIRST})`,
      /default: WRONG at row \d+: the log differs from a known checkpoint here/,
    ],
  ]
  for (const [name, sql, expected] of changes) {
    it(`finds a row that was ${name}`, async (t) => {
      const { code, stdout: output } = await afterwards(t, (db) => db.exec(sql))
      assert.equal(code, 1, output)
      assert.match(output, expected)
    })
  }

  it('finds a log that somebody with write access chained anew', async (t) => {
    const { code, stdout: output } = await afterwards(t, (db) => {
      const rows = db.prepare(`SELECT * FROM log WHERE id > ${FIRST} AND id < 2 * ${FIRST} ORDER BY id`).all()
      const put = db.prepare('UPDATE log SET at = ?, chain = ? WHERE id = ?')
      let chain: Buffer = Buffer.alloc(32)
      for (const { id, at, kind, rule, audit } of rows as unknown as LogColumns[]) {
        const seq = id - FIRST
        const atMs = seq === 20 ? at - 1 : at
        const hash = sha256(audit)
        chain = chainAfter(chain, { seq, atMs, kind, rule, auditHash: hash })
        put.run(atMs, chain, id)
      }
    })
    assert.equal(code, 1, output)
    assert.match(output, /default: WRONG at row \d+: the log differs from a known checkpoint here/)
  })

  it('checks an exported log offline, and finds changes to it', async (t) => {
    const file = join(home.folder, 'log.ndjson')
    const check = async (text: string): Promise<Ended> => {
      writeFileSync(file, text)
      return runHere({ words: ['audit', 'verify', file], folder: home.folder })
    }
    const right = await check(exported)
    assert.equal(right.code, 0, right.stdout)
    assert.match(right.stdout, /^default: right: \d+ rows/)
    const wrong = await check(exported.replace(/^\{"seq":20,.*\n/m, ''))
    assert.equal(wrong.code, 1)
    assert.match(wrong.stdout, /default: WRONG at row 20: it is missing/)
    const keyed = await runHere({
      words: ['audit', 'verify', file, '--signer', 'A'.repeat(43)],
      folder: home.folder,
    })
    assert.equal(keyed.code, 2)
    const none = await runCommand(t, { words: ['audit', 'verify', `${file}.none`], folder: home.folder })
    assert.equal(none.code, 2)
  })

  it('checks evidence offline, by the key that is known, and says whose it is without', async () => {
    const file = join(home.folder, 'evidence.ndjson')
    const keyFile = join(home.folder, 'key.json')
    writeFileSync(keyFile, key)
    const { kid } = JSON.parse(key) as { readonly kid: string }
    const check = (text: string | Buffer, ...flags: readonly string[]): Promise<Ended> => {
      writeFileSync(file, text)
      return runHere({ words: ['audit', 'verify', file, ...flags], folder: home.folder })
    }
    const right = await check(evidence)
    assert.equal(right.code, 0, right.stdout + right.stderr)
    assert.match(
      right.stdout,
      /^default: evidence: whole: 1 receipt, rows \d+ to \d+: 1 of its own, 0 by their hashes$/m,
    )
    assert.match(
      right.stdout,
      new RegExp(`^who signed it is not proven: compare the thumbprint .*, ${kid}, with GET`, 'm'),
    )
    for (const known of [keyFile, kid]) {
      const { code, stdout: output } = await check(evidence, '--signer', known)
      assert.equal(code, 0)
      assert.match(output, /^default: evidence: right: 1 receipt/m)
      assert.match(output, new RegExp(`^signed by the expected key, ${kid}$`, 'm'))
    }
    const signers = [await check(evidence, '--json'), await check(evidence, '--json', '--signer', kid)]
    assert.deepEqual(
      signers.map(({ stdout }) => (JSON.parse(stdout) as { readonly signer?: string }).signer),
      ['unproven', 'known'],
    )
    const { end, chain } = JSON.parse(evidence.split('\n').at(-3) ?? '') as { end: number; chain: string }
    const positioned = await check(evidence, '--position', `1.e.${end}.${chain}.${'A'.repeat(43)}`)
    assert.match(
      positioned.stdout,
      /^default: evidence: right: .*\nwho signed it is not proven: .*\nyour positions/,
    )
    const wrongs: readonly (readonly [text: string, flags: readonly string[], says: RegExp])[] = [
      [evidence.replaceAll('"leak"', '"loss"'), [], /WRONG at line 2: row \d+: it is not the row/],
      [evidence, ['--signer', 'A'.repeat(43)], /WRONG at line \d+: it is signed by another key/],
      [evidence.slice(0, -20), [], /WRONG at line \d+/],
    ]
    for (const [text, flags, says] of wrongs) {
      const { code, stdout: output, stderr } = await check(text, ...flags)
      assert.deepEqual([code, stderr], [1, ''])
      assert.match(output, says)
      assert.equal(output.trimEnd().split('\n').length, 1)
    }
    const refused: readonly (readonly [words: readonly string[], says: RegExp])[] = [
      [[keyFile], /neither an export of a log nor evidence/],
      [[home.folder], /cannot be read \(EISDIR\)/],
      [[file, '--signer', home.folder], /cannot be read \(EISDIR\)/],
      [[file, '--signer', 'no key'], /--signer: neither/],
      [['--signer', kid], /--signer: .*name the file/],
    ]
    for (const [words, says] of refused) {
      const {
        code,
        stdout: output,
        stderr,
      } = await runHere({ words: ['audit', 'verify', ...words], folder: home.folder })
      assert.equal(code, 2, output + stderr)
      assert.match(stderr, says)
      assert.ok(!stderr.includes('    at '), stderr)
    }
  })
})
