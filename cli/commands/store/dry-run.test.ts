import assert from 'node:assert/strict'
import { copyFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { runCli } from '../../../test/kit/cli/command-line.ts'
import { makeQuickHome, startProcess } from '../../../test/kit/server.ts'

test('the commands about a store change nothing under --dry-run, and say what they would do', async (t) => {
  const home = makeQuickHome()
  t.after(home.remove)
  const server = await startProcess({ home })
  await server.stop()
  const data = join(home.folder, 'data')
  const [path, copy] = [join(data, 'rescind.db'), join(home.folder, 'copy.db')]
  copyFileSync(path, copy)
  const before = snapshot(home.folder)
  const master = ['--master-key-file', join(data, 'master.key')]
  const tries: readonly (readonly [words: readonly string[], says: RegExp])[] = [
    [['backup', 'other.db', '--store', `sqlite:${path}`], /would be copied to .*other\.db/],
    [['restore', copy, '--store', 'sqlite:new.db'], /new\.db would be made from .*copy\.db/],
    [
      ['epoch', 'new', '--store', `sqlite:${path}`],
      /A new epoch would begin in every realm of .*rescind\.db/,
    ],
    [
      ['store', 'migrate', `sqlite:${path}`, 'postgres://me@127.0.0.1/x'],
      /would be moved to postgres:\/\/me@127/,
    ],
  ]
  for (const [words, says] of tries) {
    const { code, stdout, stderr } = await runCli({
      words: [...words, ...master, '--dry-run'],
      folder: home.folder,
    })
    assert.equal(code, 0, stderr)
    assert.match(stdout, says)
    assert.match(stdout, /Nothing was changed/)
    assert.deepEqual(snapshot(home.folder), before, words.join(' '))
  }
})

function snapshot(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile() && !one.parentPath.includes('.cache'))
    .map((one) => join(one.parentPath, one.name))
    .map((one) => `${one} ${statSync(one).size} ${statSync(one).mtimeMs}`)
    .sort()
}
