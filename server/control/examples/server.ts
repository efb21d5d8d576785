import { type Example, eventsOf, ndjsonOf } from '../frame/example.ts'

const STATS: object = {
  at: '2026-03-01T12:00:00.000Z',
  realm: 'default',
  cluster: {
    nodes: 1,
    log: { epoch: 1, seq: 34, floor: '2026-03-01T12:00:00.000Z' },
    tokens: {
      at: '2026-03-01T12:00:00.000Z',
      live: 1,
      complete: true,
      sources: [{ source: 'oauth', live: 1 }],
    },
    revocations: [{ windowSeconds: 60, since: '2026-03-01T11:59:00.000Z', rules: 4, complete: true }],
    holds: { open: 0, complete: true },
    approvals: { open: 0, complete: true },
    schedules: { open: 0, complete: true },
    verifiers: { registered: 1, complete: true, instances: 1, applied: 0, behind: 1, lapsed: 0 },
    bulk: { unfinished: 0, complete: true },
  },
  node: {
    node: 'alone',
    windowSeconds: 0,
    requests: [],
    writesWaiting: 0,
    feedSubscribers: 1,
    troubles: 0,
  },
}

const EVIDENCE_KEY = {
  kid: 'ozkHAmMf0cjS3ZZR9YoN4Jc05Px3ipfT1H8vxr2hdQc',
  jwk: {
    ...{ kty: 'OKP', crv: 'Ed25519', x: 'AztxW5vsqxfygRjfPJVHcfsmKip-q9MqXiGcFPAqSiA' },
    ...{ kid: 'ozkHAmMf0cjS3ZZR9YoN4Jc05Px3ipfT1H8vxr2hdQc', use: 'sig', alg: 'EdDSA' },
  },
}

/** The first line of a file. */
const EVIDENCE = {
  ...{ evidence: 'rescind-evidence', version: 1, realm: 'default', madeAt: '2026-03-01T12:00:00.000Z' },
  ...{ by: 'control:first', byName: 'first', server: '0.1.0', selection: { reason: 'phished' } },
  ...{ trimmedThrough: 0, auditSince: '2025-01-25T12:00:00.000Z', searched: { from: 1, through: 34 } },
  ...{ after: 14, chain: 'DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc' },
}

/** The server itself. */
export const SERVER_EXAMPLES: Readonly<Record<string, Example>> = {
  readOpenapi: { answers: { 200: { openapi: '3.1.0' } } },
  confirmClock: { answers: { 200: { floor: '2026-03-01T12:00:00.000Z' } } },
  readStats: { answers: { 200: STATS } },
  followStats: { answers: { 200: eventsOf(['stats', STATS]) } },
  createKey: {
    body: { name: 'ann, on call', role: 'responder', owner: 'ann@example.com' },
    answers: {
      201: {
        id: 'key_cVPS0n3G6KKWfZ_uRYqpIw',
        name: 'ann, on call',
        role: 'responder',
        owner: 'ann@example.com',
        createdAt: '2026-03-01T12:00:00.000Z',
        key: 'rsc_…',
      },
    },
  },
  listKeys: {
    answers: {
      200: {
        keys: [{ id: 'first', name: 'first', role: 'admin' }],
        next: 'ruNb-4zaS_OKLUQ7LBCfBmtleV9GbFlpSlYtd2JQaFJHRDU3Q0VsNmh3',
      },
    },
  },
  readKey: {
    answers: {
      200: {
        id: 'key_cVPS0n3G6KKWfZ_uRYqpIw',
        name: 'ann, on call',
        role: 'responder',
        owner: 'ann@example.com',
        createdAt: '2026-03-01T12:00:00.000Z',
      },
    },
  },
  revokeKey: {},
  createRealm: {
    body: { name: 'shop' },
    answers: { 201: { name: 'shop', enabled: true, createdAt: '2026-03-01T12:00:00.000Z' } },
  },
  listRealms: {
    answers: {
      200: { realms: [{ name: 'branch', enabled: true, createdAt: '2026-03-01T12:00:00.000Z' }] },
    },
  },
  readRealm: { answers: { 200: { name: 'shop', enabled: true, createdAt: '2026-03-01T12:00:00.000Z' } } },
  changeRealm: {
    body: { enabled: false, reason: 'sold' },
    answers: { 200: { name: 'shop', enabled: false, createdAt: '2026-03-01T12:00:00.000Z' } },
  },
  deleteRealm: {},
  exportRealm: {
    answers: {
      200: ndjsonOf({
        record: {
          collection: 'realmSettings',
          id: 'realm',
          version: 1,
          body: '{"maxLifetimeSeconds":34560000,"highestLifetimeSeconds":34560000,"approvalAboveTokens":100}',
          keys: [],
          lists: [],
        },
      }),
    },
  },
  rotateMasterKey: { answers: { 200: { rotatedAt: '2026-03-01T12:00:00.000Z' } } },
  listAudit: {
    answers: {
      200: {
        rows: [
          {
            seq: 34,
            at: '2026-03-01T12:00:00.000Z',
            kind: 'revoke',
            rule: {
              target: {
                kind: 'token',
                digest: '8r9dsFpnTtUGS-tYnOLOmjyVJlbz1BlmvT2bAvXhAqY',
                handle: 'tok_XqNQVr083NFIeRNrC3oDeA',
                source: 'oauth',
              },
              keepUntil: '2026-03-01T13:10:00.000Z',
            },
            audit: {
              by: 'control:first',
              byName: 'first',
              from: '127.0.0.1',
              how: 'control.revokeInBulk',
              why: 'leak',
            },
          },
        ],
        next: 'TAhSbzKMepW4UMn3ucTtRTM0',
      },
    },
  },
  listSystemAudit: {
    answers: {
      200: {
        rows: [
          {
            seq: 20,
            at: '2026-03-01T12:00:00.000Z',
            kind: 'revoke',
            rule: {
              target: {
                kind: 'principals',
                shape: 'client',
                source: 'verifier',
                client: 'default/billing-api',
              },
              keepUntil: '2027-04-05T12:10:00.000Z',
            },
            audit: { by: 'control:first', byName: 'first', from: '127.0.0.1', how: 'control.deleteVerifier' },
          },
        ],
        next: '1aq8urJ-d53C7LrbWFGquDIw',
      },
    },
  },
  exportAudit: {
    answers: {
      200: ndjsonOf({
        export: 'rescind-log',
        version: 1,
        realm: 'default',
        after: 0,
        chain: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      }),
    },
  },
  exportSystemAudit: {
    answers: {
      200: ndjsonOf({
        export: 'rescind-log',
        version: 1,
        realm: 'system',
        after: 0,
        chain: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      }),
    },
  },
  makeEvidence: { body: { reason: 'phished' }, answers: { 200: ndjsonOf(EVIDENCE) } },
  makeSystemEvidence: {
    body: { since: '2026-03-01T11:00:00Z' },
    answers: {
      200: ndjsonOf({ ...EVIDENCE, realm: 'system', selection: { since: '2026-03-01T11:00:00.000Z' } }),
    },
  },
  readEvidenceKey: { answers: { 200: EVIDENCE_KEY } },
  readSystemEvidenceKey: { answers: { 200: EVIDENCE_KEY } },
}
