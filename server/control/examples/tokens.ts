import type { Example } from '../frame/example.ts'

/** Tokens and what is known about them. */
export const TOKENS_EXAMPLES: Readonly<Record<string, Example>> = {
  listTokens: {
    answers: {
      200: {
        tokens: [
          {
            state: 'active',
            mintedBy: 'control:first',
            facts: {
              handle: 'tok_MmV_chhmU2N2XSyRsYExqg',
              digest: 'qdfO-_s44HbZx9eeDDUpWZbSrlhhYmGQinwFMUf1Vm8',
              kind: 'access',
              source: 'oauth',
              subject: 'alice',
              client: 'svc',
              grant: 'grt_tDDKxf_kgASBtkepsDBi7w',
              ancestors: [],
              position: [1, 14],
              issuedAt: '2026-03-01T12:00:00.000Z',
              expiresAt: '2026-03-01T13:00:00.000Z',
              scope: 'read write',
              scopes: ['read'],
            },
          },
        ],
      },
    },
  },
  readToken: {
    answers: {
      200: {
        state: 'active',
        mintedBy: 'control:first',
        facts: {
          handle: 'tok_MmV_chhmU2N2XSyRsYExqg',
          digest: 'qdfO-_s44HbZx9eeDDUpWZbSrlhhYmGQinwFMUf1Vm8',
          kind: 'access',
          source: 'oauth',
          subject: 'alice',
          client: 'svc',
          grant: 'grt_tDDKxf_kgASBtkepsDBi7w',
          ancestors: [],
          position: [1, 14],
          issuedAt: '2026-03-01T12:00:00.000Z',
          expiresAt: '2026-03-01T13:00:00.000Z',
          scope: 'read write',
          scopes: ['read'],
        },
      },
    },
  },
  lookUpToken: {
    body: { token: 'rsa_…' },
    answers: {
      200: {
        state: 'active',
        mintedBy: 'control:first',
        facts: {
          handle: 'tok_MmV_chhmU2N2XSyRsYExqg',
          digest: 'qdfO-_s44HbZx9eeDDUpWZbSrlhhYmGQinwFMUf1Vm8',
          kind: 'access',
          source: 'oauth',
          subject: 'alice',
          client: 'svc',
          grant: 'grt_tDDKxf_kgASBtkepsDBi7w',
          ancestors: [],
          position: [1, 14],
          issuedAt: '2026-03-01T12:00:00.000Z',
          expiresAt: '2026-03-01T13:00:00.000Z',
          scope: 'read write',
          scopes: ['read'],
        },
      },
    },
  },
  verifyToken: {
    body: { token: 'rsa_…' },
    answers: {
      200: {
        verdict: { kind: 'active' },
        facts: {
          handle: 'tok_MmV_chhmU2N2XSyRsYExqg',
          digest: 'qdfO-_s44HbZx9eeDDUpWZbSrlhhYmGQinwFMUf1Vm8',
          kind: 'access',
          source: 'oauth',
          subject: 'alice',
          client: 'svc',
          grant: 'grt_tDDKxf_kgASBtkepsDBi7w',
          ancestors: [],
          position: [1, 14],
          issuedAt: '2026-03-01T12:00:00.000Z',
          expiresAt: '2026-03-01T13:00:00.000Z',
          scope: 'read write',
          scopes: ['read'],
        },
        position:
          '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
      },
    },
  },
  find: {
    body: { text: 'alice' },
    answers: {
      200: {
        complete: true,
        recognised: [{ as: 'person' }],
        findings: [
          {
            kind: 'subject',
            source: 'oauth',
            id: 'alice',
            state: 'live',
            tokens: { count: 2, complete: true },
            target: { source: 'oauth', subject: 'alice' },
            realm: 'default',
          },
        ],
        targets: [{ realm: 'default', target: { source: 'oauth', subject: 'alice' } }],
        searched: [{ realm: 'branch', state: 'empty', sources: [], lookUps: ['token'], complete: true }],
        notSearched: [],
      },
    },
  },
  readExposure: {
    answers: {
      200: {
        revocation: 'rev_1_15',
        complete: false,
        since: '2026-02-28T12:00:00.000Z',
        covered: 2,
        tokens: [],
        missing: {
          dropped: [],
          verifiers: [
            {
              verifier: 'orders-api',
              instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
              label: 'host-1',
              why: ['behind'],
              lastContact: '2026-03-01T12:00:00.000Z',
            },
          ],
          gaps: ['unwritten'],
        },
      },
    },
  },
  readTokenExposure: {
    answers: {
      200: {
        complete: false,
        covered: 1,
        tokens: [{ handle: 'tok_MmV_chhmU2N2XSyRsYExqg', accepted: [] }],
        missing: { dropped: [], verifiers: [], gaps: ['unwritten'] },
      },
    },
  },
  readForeignExposure: {
    answers: {
      200: {
        complete: false,
        covered: 1,
        tokens: [{ issuer: 'https://idp.example', jti: '7', accepted: [] }],
        missing: {
          dropped: [],
          verifiers: [
            {
              verifier: 'orders-api',
              instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
              label: 'host-1',
              why: ['neverReports'],
              lastContact: '2026-03-01T12:00:00.000Z',
            },
          ],
          gaps: ['unwritten'],
        },
      },
    },
  },
  reviewToken: {
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'rsa_…' } },
    answers: {
      200: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenReview',
        status: { authenticated: false },
      },
    },
  },
  readTokenPrefixes: {
    answers: {
      200: {
        prefixes: { access: 'rsa_', refresh: 'rsr_', code: 'rso_', identity: 'rsi_', clientSecret: 'rsk_' },
        former: [],
      },
    },
  },
  replaceTokenPrefixes: {
    body: { access: 'acme_at_' },
    answers: {
      200: {
        prefixes: {
          access: 'acme_at_',
          refresh: 'rsr_',
          code: 'rso_',
          identity: 'rsi_',
          clientSecret: 'rsk_',
        },
        former: [],
      },
    },
  },
  createGrant: {
    body: { clientId: 'svc', subject: 'erin', scope: 'read' },
    answers: {
      201: {
        access_token: 'rsa_…',
        token_type: 'Bearer',
        expires_in: 3600,
        refresh_token: 'rsr_…',
        scope: 'read',
      },
    },
  },
}
