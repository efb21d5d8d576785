import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCli } from '../../test/kit/cli/command-line.ts'
import { hasTokenForm, mayBeToken, pathText } from './token-text.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'
const TOKENS = [
  'rsa_0123456789abcdefABCDEF0123456789',
  'rsc_0123456789abcdefABCDEF0123456789',
  JWT,
  `Bearer ${JWT}`,
  `found ${JWT} in a log`,
  `gAAAA${'Ab3_'.repeat(20)}`,
  'Bearer hunter2hunter2',
]
const RANDOM = [
  'acme_Zy3nPp0qV9mXc2a1b0LkQgZy3nPp0q',
  '0123456789abcdef0123456789abcdef0123',
  '2JYpYhDaQlIQlDSvVLCLLo2MPzFfVm9jYpxw2vuBrmk=',
]
const NAMES = [
  'ann',
  'ann@example.org',
  'Ann Example',
  'tok_Zy3nPp0qV9mXc2a1b0LkQg',
  'grt_Zy3nPp0qV9mXc2a1b0LkQg',
  'rev_1_42',
  'hold_Zy3nPp0qV9mXc2a1b0LkQg',
  '8f14e45f-ceea-467f-a9d5-0a1b2c3d4e5f',
  '8f14e45fceea467fa9d50a1b2c3d4e5f',
  'service-account-of-orders-2026',
  'https://login.example.org/realms/main',
  '900100',
]

test('text of the form of a token is known in any place of a word, and so is what only looks random', () => {
  for (const text of TOKENS) assert.ok(hasTokenForm(text) && mayBeToken(text), text)
  for (const text of RANDOM) assert.deepEqual([hasTokenForm(text), mayBeToken(text)], [false, true], text)
})

test('names, addresses, public ids and UUIDs may stand on the command line', () => {
  for (const text of NAMES) assert.deepEqual([hasTokenForm(text), mayBeToken(text)], [false, false], text)
})

test('an error names the path of a file, but no token that was given in its place', () => {
  const random = 'Ab3dEf6hIj9lMn2pQr5t'
  for (const path of ['leak.txt', `/tmp/${random}/leak.txt`]) assert.equal(pathText(path), path)
  for (const text of [...TOKENS, random, `./${random}`])
    assert.ok(!pathText(text).includes(text.slice(-9)), text)
})

test('commands that take names and files repeat no token that stands there', async () => {
  const token = 'rsa_Zy3nPp0qV9mXc2a1b0LkQgZy3nPp0qV9mXc2a1b0Lk'
  for (const words of [
    ['man', token],
    ['logout', '--profile', token],
    ['login', '--profile', `${token}/`],
    ['tokens', '--profile', token],
    ['tokens', '--url', token],
    ['audit', 'verify', token],
    ['bulk', token, '--dry-run'],
    ['get', 'settings', token],
  ]) {
    const { code, stdout, stderr } = await runCli({ words, environment: { RESCIND_KEY: 'k' } })
    assert.equal(code, 2, words.join(' '))
    assert.match(stderr, /form of a token/)
    assert.ok(!`${stdout}${stderr}`.includes('Zy3nPp0qV9'), stderr)
  }
})
