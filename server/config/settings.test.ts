import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SettingsRefused } from '@rescind/core'
import { resolveSettings, SETTINGS } from '../compose/settings.ts'
import { checkConfig } from './config.ts'
import type { Values } from './sources.ts'

type Given = {
  readonly flags?: string[]
  readonly file?: string
  readonly environment?: Record<string, string>
}

function resolved({ flags = [], file, environment = {} }: Given): Values {
  return resolveSettings({ flags, environment, file })
}

// The kind: a switch that is set in each of the possible ways.
test('every switch is on by its flag alone, takes a value all the same, and is a boolean in the file [W17]', () => {
  const switches = SETTINGS.filter(({ fallback }) => fallback === 'true' || fallback === 'false')
  assert.ok(switches.length >= 4)
  assert.deepEqual(
    switches,
    SETTINGS.filter(({ isSwitch }) => isSwitch === true),
    'whatever is true or false is a switch',
  )
  for (const { name, flag = '', environment } of switches) {
    const value = (given: Given): string | undefined => resolved(given).get(name)?.value
    assert.equal(value({ flags: [flag] }), 'true', flag)
    for (const on of ['true', 'false']) {
      assert.equal(value({ flags: [`${flag}=${on}`] }), on)
      assert.equal(value({ flags: [flag, on] }), on)
      assert.equal(value({ file: `{"${name}": ${on}}` }), on)
      assert.equal(value({ file: `{"${name}": "${on}"}` }), on)
      assert.equal(value({ environment: { [environment]: on } }), on)
    }
    // The next flag is not taken for its value.
    const both = resolved({ flags: [flag, '--log-level', 'warn'] })
    assert.deepEqual([both.get(name)?.value, both.get('logLevel')?.value], ['true', 'warn'])
    assert.equal(value({ flags: [flag], file: `{"${name}": false}` }), 'true')
    for (const wrong of ['1', 'null', '"yes"', '[]', '"TRUE"', '""'])
      assert.throws(() => resolved({ file: `{"${name}": ${wrong}}` }), SettingsRefused, wrong)
    assert.throws(() => checkConfig(resolved({ flags: [`${flag}=yes`] })), SettingsRefused)
    assert.throws(() => resolved({ flags: [flag, 'yes'] }), SettingsRefused)
    assert.throws(() => resolved({ flags: [flag, flag] }), SettingsRefused)
  }
})

test('each setting that can reduce safety is reported when it does, and only then [M12]', () => {
  const on = (...flags: string[]): readonly string[] =>
    checkConfig(resolved({ flags }))
      .insecure.filter(({ isOn }) => isOn)
      .map(({ setting }) => setting)
  assert.deepEqual(on(), [])
  const proxied = ['--listen', '0.0.0.0:0', '--behind-proxy', '10.0.0.0/8']
  const insecure: readonly (readonly [setting: string, ...flags: string[]])[] = [
    ['listen', ...proxied],
    ['store', '--store', 'memory:'],
    ['sideLog', '--side-log', 'off'],
    ['identityRate', '--identity-rate', '0'],
    ['controlRate', '--control-rate', '0'],
    ['issueRate', '--issue-rate', '0'],
    ['chatRate', '--chat-rate', '0'],
    ['allowInternalFetch', '--allow-internal-fetch'],
    ['allowWeakSecrets', '--allow-weak-secrets'],
    ['signingKeyDays', '--signing-key-days', '0'],
    ['metricsOpen', '--metrics-open'],
    ['acknowledge', '--acknowledge', 'durable'],
  ]
  for (const [setting, ...flags] of insecure) assert.deepEqual(on(...flags), [setting])
  const { insecure: all } = checkConfig(resolved({}))
  assert.deepEqual(
    all.map(({ setting }) => setting).sort(),
    insecure.map(([setting]) => setting).sort(),
    'one that is not tried here',
  )
  assert.deepEqual(on('--behind-proxy', '10.0.0.0/8'), [], 'a proxy on this machine')
})

test('a standby is required only where there may be one', () => {
  const config = (store: string) => checkConfig(resolved({ flags: ['--require-sync', '--store', store] }))
  for (const store of ['memory:', 'sqlite:x.db'])
    assert.throws(() => config(store), { message: 'requireSync: only a store on PostgreSQL has standbys' })
  assert.equal(config('postgres://me@localhost/db').requireSync, true)
})
