import assert from 'node:assert/strict'
import { test } from 'node:test'
import { difference } from './compare.ts'

type Case = readonly [language: string, page: string, came: string]

const SAME: readonly Case[] = [
  ['text', 'a\nb', 'a\nb\n\n'],
  ['text', 'made tok_… in … ms', 'made tok_abc in 5 ms\n'],
  ['text', 'a\n…\nz', 'a\nb\nc\nz\n'],
  ['text', 'a\n…\nz', 'a\nz\n'],
  ['json', '{"a": "…", "b": [1, "…"]}', '{"b":[1,2,3],"a":{"c":1}}'],
  ['json', '{"a": "tok_…", "…": "…"}', '{"a":"tok_1","b":2}'],
  ['json', '{"a":1}\n{"a":2}', '{"a":1}\n{"a":2}\n'],
  ['http', 'HTTP/1.1 204 No Content', 'HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n'],
  [
    'http',
    'HTTP/1.1 200 OK\ncontent-type: application/json\n\n{"a": "…"}',
    'HTTP/1.1 200 OK\r\nDate: today\r\nContent-Type: application/json\r\n\r\n{"a":5}',
  ],
]

const DIFFERENT: readonly Case[] = [
  ['text', 'a', 'b\n'],
  ['text', 'a', 'a\nb\n'],
  ['text', 'a\nb', 'a\n'],
  ['text', 'a.c', 'abc\n'],
  ['text', 'a\n…\nz', 'a\nb\n'],
  ['json', '{"a": 1}', '{"a":1,"b":2}'],
  ['json', '{"a": 1, "…": "…"}', '{"b":2}'],
  ['json', '{"a": "tok_…"}', '{"a":"rsk_1"}'],
  ['json', '[1]', '[1,2]'],
  ['json', '[1, 2, "…"]', '[1]'],
  ['json', '{"a":1}', 'no such path'],
  ['json', '{a: 1}', '{"a":1}'],
  ['json', '{"a":1}\n{"a":2}', '{"a":1}\n'],
  ['http', 'HTTP/1.1 204 No Content', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['http', 'HTTP/1.1 200 OK', 'HTTP/1.1 200 OK\r\n\r\n{"a":1}'],
  ['http', 'HTTP/1.1 200 OK\nretry-after: 1', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['http', 'HTTP/1.1 200 OK\n\n{"a":1}', 'HTTP/1.1 200 OK\r\n\r\n{"a":2}'],
]

test('what a page shows stands for what came, with … for what differs each time', () => {
  for (const [language, text, came] of SAME)
    assert.equal(difference({ language, text }, came), undefined, text)
})

test('what a page shows does not stand for anything else', () => {
  for (const [language, text, came] of DIFFERENT)
    assert.notEqual(difference({ language, text }, came), undefined, `${text} for ${came}`)
})
