import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Operation, storedKind } from '@rescind/authority'
import { ByteReader } from '@rescind/core/bytes'
import {
  append,
  bareToken,
  consume,
  deleteRecord,
  digestAt,
  forget,
  handleAt,
  put,
  putRecord,
  SOURCE,
  write,
} from '../contract/samples.ts'
import { decodeGroup, encodeGroup } from './group-bytes.ts'
import { decodeOperation } from './operations.ts'
import { encodeWrites } from './side-lines.ts'
import { TokenIndex } from './token-index.ts'

const ENTRY = { kind: storedKind('answers'), id: 'one' }
const KEY = { name: 'name', value: 'ann' }

/** An operation of each kind, and its text in a side log. */
const SAMPLES: { readonly [K in Operation['kind']]: readonly (readonly [Operation, string])[] } = {
  'put-token': [
    [
      put(bareToken(1)),
      [
        `{"kind":"put","source":"chat/acme","digest":"${digestAt(1)}","handle":"${handleAt(1)}",`,
        `"expiresAt":1772370000000,"extendedAt":null,"client":null,"facts":"{\\"kind\\":\\"access\\",`,
        `\\"source\\":\\"chat/acme\\",\\"position\\":0,\\"issuedAtMs\\":1772366400000}","sealed":null,"rows":[]}`,
      ].join(''),
    ],
    [
      put(bareToken(1, { extendedAtMs: 5, client: 'c', sealed: Buffer.from('seal') })),
      [
        `{"kind":"put","source":"chat/acme","digest":"${digestAt(1)}","handle":"${handleAt(1)}",`,
        `"expiresAt":1772370000000,"extendedAt":5,"client":"chat/acme\\u0000c","facts":"{\\"kind\\":\\"access\\",`,
        `\\"source\\":\\"chat/acme\\",\\"position\\":0,\\"issuedAtMs\\":1772366400000,\\"client\\":\\"c\\"}",`,
        `"sealed":{"base64":"c2VhbA=="},"rows":[]}`,
      ].join(''),
    ],
  ],
  'extend-token': [
    [
      { kind: 'extend-token', digest: digestAt(1), source: SOURCE, expiresAtMs: 9, atMs: 8 },
      `{"kind":"extend","digest":"${digestAt(1)}","expiresAt":9,"at":8,"rows":[]}`,
    ],
  ],
  consume: [
    [consume(1), `{"kind":"consume","handle":"${handleAt(1)}","sealed":null}`],
    [
      consume(1, Buffer.from('seal')),
      `{"kind":"consume","handle":"${handleAt(1)}","sealed":{"base64":"c2VhbA=="}}`,
    ],
  ],
  append: [
    [
      append({ audit: '{"by":"ü"}', atMs: 7 }),
      `{"kind":"append","at":7,"row":3,"rule":{"base64":"AQAVYSBob2xkIHRoYXQgbmV2ZXIgd2Fz"},"audit":{"base64":"eyJieSI6IsO8In0="}}`,
    ],
  ],
  'put-record': [
    [
      putRecord('one', { fromVersion: 2, keys: [KEY], lists: [KEY, KEY] }),
      [
        `{"kind":"record","collection":"things","id":"one","fromVersion":2,"body":"{}","keys":[{"name":"name",`,
        `"value":"ann"}],"lists":[{"name":"name","value":"ann"},{"name":"name","value":"ann"}]}`,
      ].join(''),
    ],
  ],
  'delete-record': [
    [deleteRecord('one', 3), `{"kind":"remove","collection":"things","id":"one","fromVersion":3}`],
  ],
  'put-expiring': [
    [
      { kind: 'put-expiring', entry: { ...ENTRY, value: Buffer.from('v'), expiresAtMs: 9 } },
      `{"kind":"memo","of":"answers","id":"one","value":{"base64":"dg=="},"expiresAt":9,"unlessAliveAt":null}`,
    ],
    [
      {
        kind: 'put-expiring',
        entry: { ...ENTRY, value: Buffer.from(''), expiresAtMs: 9 },
        unlessAliveAtMs: 4,
      },
      `{"kind":"memo","of":"answers","id":"one","value":{"base64":""},"expiresAt":9,"unlessAliveAt":4}`,
    ],
  ],
  'drop-expiring': [
    [
      { kind: 'drop-expiring', entry: ENTRY },
      `{"kind":"unmemo","of":"answers","id":"one","ifExpiresAt":null}`,
    ],
    [
      { kind: 'drop-expiring', entry: ENTRY, ifExpiresAtMs: 9 },
      `{"kind":"unmemo","of":"answers","id":"one","ifExpiresAt":9}`,
    ],
  ],
  'forget-token': [
    [
      forget(1, { tombstone: true }),
      `{"kind":"forget","digest":"${digestAt(1)}","handle":"${handleAt(1)}","tombstoneOf":"chat/acme","ifExpiresAt":null,"rows":[]}`,
    ],
    [
      forget(1, { tombstone: false }),
      `{"kind":"forget","digest":"${digestAt(1)}","handle":"${handleAt(1)}","tombstoneOf":null,"ifExpiresAt":null,"rows":[]}`,
    ],
  ],
  'forget-audit': [
    [{ kind: 'forget-audit', fromSeq: 1, throughSeq: 9 }, `{"kind":"unaudit","fromSeq":1,"throughSeq":9}`],
  ],
  'trim-log': [
    [
      { kind: 'trim-log', throughSeq: 9, keep: [1, 2], forget: [3] },
      `{"kind":"trim","throughSeq":9,"keep":[1,2],"forget":[3]}`,
    ],
  ],
}

for (const [kind, samples] of Object.entries(SAMPLES))
  test(`${kind} decodes from its bytes to the columns that side logs hold`, () => {
    for (const [operation, text] of samples) {
      const group = encodeGroup({ floorMs: 1, writes: [write(operation)] }, new TokenIndex())
      assert.equal(encodeWrites(decodeGroup(group).writes), `[[1,[${text}]]]`)
    }
  })

test('an operation with an unknown code is refused', () => {
  assert.throws(() => decodeOperation(new ByteReader(Uint8Array.of(1))), /unknown operation 1 /)
})
