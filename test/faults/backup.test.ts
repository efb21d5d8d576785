import assert from 'node:assert/strict'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { CONTROL_KEY } from '../kit/server.ts'
import { accessTokenIn, type Calls, isActive } from './kit/calls.ts'
import { assertRefused, type Ended, runCommand, runHere } from './kit/command.ts'
import { Place } from './kit/place.ts'

const SIDE = 'side/rescind.side'

/** A folder with a store, a side log and everything that an operator's command needs. */
class Site {
  readonly place: Place
  readonly #t: TestContext

  constructor(t: TestContext) {
    this.place = new Place(t)
    this.#t = t
    mkdirSync(this.path('side'))
  }

  path(name: string): string {
    return join(this.place.home.folder, name)
  }

  start(side: boolean | 'off' = true): ReturnType<Place['start']> {
    const file = side === 'off' ? 'off' : this.path(SIDE)
    return this.place.start({ flags: side === false ? [] : ['--side-log', file] })
  }

  run(...words: readonly string[]): Promise<Ended> {
    const store = [
      '--store',
      `sqlite:${this.path('data/rescind.db')}`,
      '--master-key-file',
      this.path('data/master.key'),
    ]
    const command = { words: [...words, ...store], folder: this.place.home.folder }
    // What is refused after the start began leaves its process half-started.
    return words[0] === 'serve' ? runCommand(this.#t, command) : runHere(command)
  }

  async backup(): Promise<string> {
    const ended = await this.run('backup', 'copy.db')
    assert.equal(ended.code, 0, ended.stderr)
    return this.path('copy.db')
  }

  /** Restores after the disk is lost: only the backup is left, and the side log where it is given. */
  async restore(...words: readonly string[]): Promise<string> {
    this.loseStore()
    const ended = await this.run('restore', 'copy.db', ...words)
    assert.equal(ended.code, 0, ended.stderr)
    return ended.stdout
  }

  loseStore(): void {
    mkdirSync(this.path('lost'), { recursive: true })
    for (const name of ['rescind.db', 'rescind.db-wal', 'rescind.db-shm']) {
      if (existsSync(this.path(`data/${name}`)))
        renameSync(this.path(`data/${name}`), this.path(`lost/${name}`))
    }
  }

  get sideFlags(): readonly string[] {
    return ['--side-log', this.path(SIDE)]
  }
}

async function issue(calls: Calls): Promise<string> {
  return accessTokenIn(await calls.oauthIssue())
}

async function revoke(calls: Calls, token: string): Promise<void> {
  assert.equal((await calls.oauthRevoke(token)).status, 200)
}

async function control(url: string, line: string, body?: unknown): Promise<Response> {
  const [method = '', path = ''] = line.split(' ')
  const headers = { authorization: `Bearer ${CONTROL_KEY}`, 'content-type': 'application/json' }
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
  return fetch(`${url}/control/v1${path}`, init)
}

async function positionOf(url: string): Promise<string> {
  const answer = await control(url, 'POST /verify', { token: 'nobody-knows-this' })
  return ((await answer.json()) as { position: string }).position
}

describe('a backup', () => {
  it('is taken from a store that a server writes to, holds no master key, and replaces nothing', async (t) => {
    const site = new Site(t)
    const { calls } = await site.start(false)
    let isWriting = true
    const writer = (async () => {
      while (isWriting) await revoke(calls, await issue(calls))
    })()
    const copy = await site.backup()
    isWriting = false
    await writer
    assert.equal(statSync(copy).mode & 0o777, 0o600)
    const key = readFileSync(site.path('data/master.key'))
    assert.equal(readFileSync(copy).includes(key.toString('utf8').trim()), false)
    assertRefused(await site.run('backup', 'copy.db'), /copy\.db already exists/)
    assertRefused(await site.run('restore', 'copy.db'), /data\/rescind\.db exists/)
    assert.equal(existsSync(`${copy}.partial`), false)
  })

  it('is not restored where the journal of another store lies', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    await site.backup()
    await server.stop()
    site.loseStore()
    writeFileSync(site.path('data/rescind.db-wal'), 'frames of a store that is gone')
    assertRefused(
      await site.run('restore', 'copy.db'),
      /rescind\.db-wal is left of another store: move it away/,
    )
    assert.equal(existsSync(site.path('data/rescind.db')), false)
  })

  it('[G07] restored alone, begins a new epoch in which every token from before is lost, and new ones are good', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    const [live, gone] = [await issue(server.calls), await issue(server.calls)]
    const before = await positionOf(server.url)
    await site.backup()
    await revoke(server.calls, gone)
    await server.stop()
    const said = await site.restore()
    assert.match(said, /default: epoch 2; every token issued before is lost/)
    const again = await site.start(false)
    assert.equal(isActive(await again.calls.introspect(live)), false)
    assert.equal(isActive(await again.calls.introspect(gone)), false)
    assert.equal(isActive(await again.calls.introspect(await issue(again.calls))), true)
    assert.equal((await positionOf(again.url)).split('.')[0], '2')
    assert.equal(before.split('.')[0], '1')
  })

  it('is refused when it is no store of ours or has another master key, and leaves nothing behind', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    await site.backup()
    await server.stop()
    site.loseStore()
    writeFileSync(
      site.path('junk.db'),
      'not a database at all, but long enough to be looked at as one of them',
    )
    assert.notEqual((await site.run('restore', 'junk.db')).code, 0)
    assertRefused(await site.run('restore', 'none.db'), /no such backup/)
    const key = site.path('data/master.key')
    const kept = readFileSync(key)
    writeFileSync(key, Buffer.alloc(32, 7).toString('base64'))
    assert.equal((await site.run('restore', 'copy.db')).code, 2)
    for (const name of ['rescind.db', 'rescind.db.restoring'])
      assert.equal(existsSync(site.path(`data/${name}`)), false)
    writeFileSync(key, kept)
    assert.equal((await site.run('restore', 'copy.db')).code, 0)
  })

  it('with --keep-tokens accepts again what was revoked since, and says so loudly', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    const gone = await issue(server.calls)
    await site.backup()
    await revoke(server.calls, gone)
    await server.stop()
    assert.match(await site.restore('--keep-tokens'), /WARNING: .*accepted again/)
    const again = await site.start(false)
    assert.equal(isActive(await again.calls.introspect(gone)), true)
    const audit = await (await control(again.url, 'GET /audit?kind=epoch')).text()
    assert.match(audit, /--keep-tokens/)
  })
})

describe('a side log', () => {
  it('closed in order, carries over all that came after the backup: no token comes back, none is lost', async (t) => {
    const site = new Site(t)
    const server = await site.start()
    const [live, gone, bound] = [await issue(server.calls), await issue(server.calls), 'bound-text-$1']
    await site.backup()
    const late = await issue(server.calls)
    await revoke(server.calls, gone)
    await server.calls.chatIssue('ann')
    assert.equal((await server.calls.chatBind('ann', bound)).status, 200)
    await server.calls.chatRevoke('ann', bound)
    await control(server.url, 'PUT /check-profiles/late', { scopes: ['read'] })
    assert.equal(await server.stop(), 0)
    assert.match(await site.restore(...site.sideFlags), /default: epoch 2; its tokens stay valid/)
    const again = await site.start()
    assert.equal(isActive(await again.calls.introspect(live)), true)
    assert.equal(isActive(await again.calls.introspect(gone)), false)
    // The side log holds no tokens, so a token that was issued after the backup is unknown now.
    assert.equal(isActive(await again.calls.introspect(late)), false)
    assert.equal((await control(again.url, 'GET /check-profiles/late')).status, 200)
    assert.equal((await again.calls.chatBind('ann', bound)).status, 409)
  })

  it('of a server that was killed proves nothing by itself, but does when it reaches a known position', async (t) => {
    const site = new Site(t)
    const server = await site.start()
    const [live, gone] = [await issue(server.calls), await issue(server.calls)]
    await site.backup()
    await revoke(server.calls, gone)
    const known = await positionOf(server.url)
    await server.kill()
    const side = readFileSync(site.path(SIDE))
    assert.match(
      await site.restore(...site.sideFlags),
      /not closed in order.*\n(.*\n)*default: epoch 2; every token issued before is lost/,
    )
    site.loseStore()
    writeFileSync(site.path(SIDE), side)
    assertRefused(
      await site.run('restore', 'copy.db', ...site.sideFlags, '--known-position', '1.x.2.y.z'),
      /not a position/,
    )
    assert.match(
      await site.restore(...site.sideFlags, '--known-position', known),
      /default: epoch 2; its tokens stay valid/,
    )
    const again = await site.start()
    assert.equal(isActive(await again.calls.introspect(live)), true)
    assert.equal(isActive(await again.calls.introspect(gone)), false)
  })

  it('that lacks lines which are known to have been written does not keep tokens alive', async (t) => {
    const site = new Site(t)
    const server = await site.start()
    const [live, gone] = [await issue(server.calls), await issue(server.calls)]
    await site.backup()
    const early = readFileSync(site.path(SIDE))
    await revoke(server.calls, gone)
    const known = await positionOf(server.url)
    await server.kill()
    writeFileSync(site.path(SIDE), early)
    const said = await site.restore(...site.sideFlags, '--known-position', known)
    assert.match(said, /does not reach the given position/)
    const again = await site.start()
    assert.equal(isActive(await again.calls.introspect(live)), false)
  })

  it('brings a store that was rolled back to where it was: what was revoked stays so', async (t) => {
    const site = new Site(t)
    const server = await site.start()
    const tokens = [await issue(server.calls), await issue(server.calls)]
    assert.equal(await server.stop(), 0)
    copyFileSync(site.path('data/rescind.db'), site.path('early.db'))
    const second = await site.start()
    for (const token of tokens) await revoke(second.calls, token)
    assert.equal(await second.stop(), 0)
    copyFileSync(site.path('early.db'), site.path('data/rescind.db'))
    const third = await site.start()
    assert.match(third.output(), /the store lacked these lines and has them now/)
    for (const token of tokens) assert.equal(isActive(await third.calls.introspect(token)), false)
  })

  it('is refused with another store, and when a line in its middle was altered or removed', async (t) => {
    const site = new Site(t)
    const server = await site.start()
    for (let n = 0; n < 3; n += 1) await revoke(server.calls, await issue(server.calls))
    assert.equal(await server.stop(), 0)
    const lines = readFileSync(site.path(SIDE), 'utf8').split('\n')
    const serve = ['serve', '--listen', '127.0.0.1:0', ...site.sideFlags]
    for (const broken of [
      lines.toSpliced(2, 1),
      lines.with(2, lines[2]?.replace('group', 'graup') ?? ''),
      lines.slice(1),
    ]) {
      writeFileSync(site.path(SIDE), broken.join('\n'))
      assertRefused(await site.run(...serve), /not a side log of Rescind, or was altered/)
    }
    writeFileSync(site.path(SIDE), lines.join('\n'))
    const other = new Site(t)
    const stranger = await other.start()
    await revoke(stranger.calls, await issue(stranger.calls))
    assert.equal(await stranger.stop(), 0)
    copyFileSync(other.path(SIDE), site.path(SIDE))
    assertRefused(await site.run(...serve), /do not match/)
  })

  it('is never behind what was acknowledged, however often the server is killed', async (t) => {
    const site = new Site(t)
    const revoked: string[] = []
    for (let cycle = 0; cycle < 4; cycle += 1) {
      const server = await site.start()
      assert.doesNotMatch(server.output(), /starts anew/)
      for (const token of revoked) assert.equal(isActive(await server.calls.introspect(token)), false)
      const worker = async (): Promise<void> => {
        for (;;) {
          const token = await issue(server.calls)
          await revoke(server.calls, token)
          revoked.push(token)
        }
      }
      const workers = Array.from({ length: 4 }, () => worker().catch(() => {}))
      const enough = revoked.length + 25
      while (revoked.length < enough) await issue(server.calls)
      await server.kill()
      await Promise.all(workers)
    }
    copyFileSync(site.path('data/rescind.db'), site.path('copy.db'))
    const before = revoked.length
    assert.ok(before >= 100, `${before} acknowledged`)
  })

  it('[W63] that missed even one revocation of its store brings no token back', async (t) => {
    const site = new Site(t)
    const first = await site.start()
    const gone = await issue(first.calls)
    await site.backup()
    assert.equal(await first.stop(), 0)
    const without = site.run('serve', '--listen', '127.0.0.1:0')
    assertRefused(
      await without,
      /this store has the side log .*: give it .*, or abandon it with --side-log=off/,
    )
    const second = await site.start('off')
    assert.match(second.output(), /proves nothing any more/)
    await revoke(second.calls, gone)
    assert.equal(await second.stop(), 0)
    // The server has no side log any more, and does not complain.
    assert.equal(await (await site.start(false)).stop(), 0)
    const said = await site.restore(...site.sideFlags)
    assert.match(said, /does not continue the backup/)
    assert.match(said, /default: epoch 2; every token issued before is lost/)
    const again = await site.start()
    assert.equal(isActive(await again.calls.introspect(gone)), false)
  })

  it('that an older store continues without is begun anew, loudly', async (t) => {
    const site = new Site(t)
    const first = await site.start()
    await first.stop()
    const second = await site.start('off')
    await revoke(second.calls, await issue(second.calls))
    await second.stop()
    const third = await site.start()
    assert.match(third.output(), /it starts anew here, so take a backup now/)
  })
})

describe('a side log that does not continue the backup', () => {
  it('still says what was revoked: that holds, while every token of ours is lost', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    await server.calls.chatIssue('ann')
    for (const text of ['bound-live', 'bound-gone']) await server.calls.chatBind('ann', text)
    await site.backup()
    await revoke(server.calls, await issue(server.calls))
    await server.stop()
    const sided = await site.start()
    assert.equal((await sided.calls.chatRevoke('ann', 'bound-gone')).status, 200)
    assert.equal(await sided.stop(), 0)
    const said = await site.restore(...site.sideFlags)
    assert.match(said, /does not continue the backup/)
    assert.match(said, /default: epoch 2; every token issued before is lost/)
    const again = await site.start()
    // Lost text may be bound again, but revoked text never.
    assert.equal((await again.calls.chatBind('ann', 'bound-live')).status, 200)
    assert.equal((await again.calls.chatBind('ann', 'bound-gone')).status, 409)
  })
})

describe('a new epoch', () => {
  it('is started by the operator on a stopped store, and loses every token from before', async (t) => {
    const site = new Site(t)
    const server = await site.start(false)
    const token = await issue(server.calls)
    assertRefused(await site.run('epoch', 'new'), /another process owns the store/)
    await server.stop()
    const ended = await site.run('epoch', 'new')
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(ended.stdout, /default: epoch 2; every token issued before is lost/)
    const again = await site.start(false)
    assert.equal(isActive(await again.calls.introspect(token)), false)
    assert.equal(isActive(await again.calls.introspect(await issue(again.calls))), true)
  })
})
