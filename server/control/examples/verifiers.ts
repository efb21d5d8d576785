import { type Example, eventsOf } from '../frame/example.ts'

/** Verifiers, their feed, and gateways. */
export const VERIFIERS_EXAMPLES: Readonly<Record<string, Example>> = {
  readFeed: {
    answers: {
      200: eventsOf([
        'hello',
        {
          instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
          acceptedMax: 1000,
          position:
            '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
          floor: 1772366400000,
          realm: 'default',
          ackEveryMs: 20,
        },
      ]),
    },
  },
  readFeedSnapshot: { answers: { 200: 'bytes, as docs/feed.md describes them' } },
  readFeedConfig: {
    answers: {
      200: {
        realm: 'default',
        position:
          '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
        floor: 1772366400000,
        digestKey: 'TD…',
        keys: [],
        issuers: [],
      },
    },
  },
  acknowledgeFeed: {
    body: {
      instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
      position:
        '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
      bound: 5000,
    },
    answers: {
      200: {
        position:
          '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
        chain: 'DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc',
        floor: 1772366400000,
      },
    },
  },
  listVerifiers: {
    answers: {
      200: {
        position:
          '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
        verifiers: [
          {
            name: 'orders-api',
            instances: [
              {
                instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
                label: 'host-1',
                connected: true,
                lapsed: false,
                boundMs: 5000,
                onStale: 'refuse',
                from: '127.0.0.1',
                position:
                  '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
                behind: 0,
                lastContact: '2026-03-01T12:00:00.000Z',
              },
            ],
          },
        ],
      },
    },
  },
  createVerifier: {
    body: { name: 'billing-api' },
    answers: { 201: { name: 'billing-api', key: 'rsv_…' } },
  },
  rotateVerifierKey: { answers: { 201: { name: 'billing-api', key: 'rsv_…' } } },
  retireVerifierKey: { body: { which: 'older' } },
  deleteVerifier: {},
  createCheckProfile: {
    body: { name: 'shop', scopes: ['read'] },
    answers: {
      201: { name: 'shop', credential: { from: 'authorization' }, scopes: ['read'], maxAgeSeconds: 0 },
    },
  },
  listCheckProfiles: {
    answers: {
      200: {
        items: [{ name: 'shop', credential: { from: 'authorization' }, scopes: ['read'], maxAgeSeconds: 0 }],
      },
    },
  },
  getCheckProfile: {
    answers: {
      200: { name: 'shop', credential: { from: 'authorization' }, scopes: ['read'], maxAgeSeconds: 0 },
    },
  },
  putCheckProfile: {
    body: { scopes: ['read'] },
    answers: {
      200: { name: 'shop', credential: { from: 'authorization' }, scopes: ['read'], maxAgeSeconds: 0 },
      201: { name: 'new', credential: { from: 'authorization' }, scopes: ['read'], maxAgeSeconds: 0 },
    },
  },
  deleteCheckProfile: {},
}
