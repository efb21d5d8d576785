import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REASONS } from './reasons.ts'
import { PageLies, runText } from './run-page.ts'

/** A page of fences; the first line of the first one's content is line 3. */
function page(...fences: readonly (readonly [info: string, text: string])[]): string {
  return `# A page\n${fences.map(([info, text]) => `\`\`\`${info}\n${text}\n\`\`\`\n`).join('')}`
}

async function said(markdown: string): Promise<readonly string[]> {
  const lines: string[] = []
  await runText('page.md', markdown, (line) => lines.push(line))
  return lines
}

const runs = async (markdown: string): Promise<void> => {
  assert.deepEqual(await said(markdown), [])
}
const lies = (markdown: string, why: RegExp): Promise<void> =>
  assert.rejects(said(markdown), (error) => error instanceof PageLies && why.test(error.message))

test('commands run in order in one shell and one folder, and what they print is compared', async () => {
  await runs(
    page(
      ['sh', 'NAME=ann\necho "$NAME" >file'],
      ['sh', 'cat file; echo "$NAME" # still known'],
      ['text', 'ann\nann'],
      ['json file=there.json', '{"port":1}'],
      ['sh', 'cat there.json'],
      ['json', '{"port": "…"}'],
    ),
  )
})

test('a failing command is named with its page, its line and what came', async () => {
  await lies(page(['sh', 'true\ncat nothing\ntrue']), /^page\.md:4: cat nothing\n[^]*No such file/)
  await lies(page(['sh', 'false | true']), /^page\.md:3: false/)
  await lies(page(['sh', 'true'], ['sh', 'echo\necho "$KEY"']), /^page\.md:7: echo "\$KEY"\n[^]*KEY: unbound/)
})

test('output that the page does not show is named with both', async () => {
  await lies(page(['sh', 'echo 5'], ['text', '6']), /^page\.md:6: [^]*echo 5\nexpected:\n6\ncame:\n5/)
})

test('what runs in the background begins before what follows, and Ctrl-C ends it', async () => {
  // No trap of bash: one set off while `read` begins runs only when `read` returns.
  const server = `node -e '
    process.once("SIGINT", () => { require("fs").appendFileSync("log", "over\\n"); process.exit(130) })
    require("net").createServer().listen(0, "127.0.0.1", () => console.log("it is listening"))'`
  await runs(
    page(
      ['sh background', server],
      ['sh', 'echo asked >>log'],
      ['sh stopped', 'cat log'],
      ['text', 'asked\nover'],
    ),
  )
  await lies(page(['sh background', 'echo no port is free']), /it ended\nno port is free/)
})

test('the printed ports are free ones, the same everywhere in a page', async () => {
  const listen = `node -e 'require("net").createServer().listen(8000, "127.0.0.1")'`
  await runs(
    page(
      ['text file=ports', '127.0.0.1:8000 18000'],
      ['sh background port=8000', listen],
      ['sh', 'test "$(cat ports)" = "127.0.0.1:8000 18000"; echo port 8000'],
      ['text', 'port 8000'],
    ),
  )
})

test('a page reaches this machine alone, and npm has installed what the clone needs', async () => {
  await runs(
    page(
      ['sh', 'npm ci\nnpx tsc --version\ncurl -s http://example.com || echo unreachable'],
      ['text', 'Version …\nunreachable'],
    ),
  )
})

test('a page cannot change the packages of this clone, which its own are links to', async () => {
  await lies(
    page(['sh', 'npm install ./core']),
    /^page\.md:3: npm install [^]*changes no packages of the clone/,
  )
})

test('what is not run is told with its reason', async () => {
  const [line = ''] = await said(page(['sh not-run=systemd', 'systemctl start rescind']))
  assert.equal(line, `page.md:3 is not run (systemd): ${REASONS.systemd}`)
  assert.equal((await said(page(['ts', 'use()']))).length, 1)
  await assert.rejects(said(page(['sh not-run=tired', 'true'])), /line 3: "tired" is no reason/)
})

test('a fence that nothing runs, compares, writes or accounts for is refused', async () => {
  await assert.rejects(said(page(['text', 'nobody printed this'])), /line 3: this text follows no commands/)
  await assert.rejects(said(page(['', 'no language'])), /line 3: a fence of ""/)
  await assert.rejects(said(page(['yaml', 'a: 1'])), /line 3: a fence of "yaml"/)
  await assert.rejects(said(page(['sh backround', 'true'])), /line 3: a fence has no mark "backround"/)
  await assert.rejects(said('```sh\ntrue'), /line 1 is never closed/)
})

test('what a heading parts from commands is not their output', async () => {
  const [before, after] = [page(['sh', 'echo 5']), page(['text', '5'])]
  await assert.rejects(said(before + after), /follows no commands/)
})
