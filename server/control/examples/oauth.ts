import { foreignSource } from '@rescind/core/tokens'
import type { Example } from '../frame/example.ts'

/** OAuth clients, signing keys and issuers. */
export const OAUTH_EXAMPLES: Readonly<Record<string, Example>> = {
  createClient: {
    body: { clientId: 'mobile', grantTypes: ['refresh_token'], scopes: ['read'] },
    answers: {
      201: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_OokeSzSvNANbbYj4', createdAt: '2026-03-01T12:00:00.000Z' }],
        clientSecret: 'rsk_…',
      },
    },
  },
  listClients: {
    answers: {
      200: {
        clients: [
          {
            clientId: 'gateway',
            grantTypes: ['client_credentials'],
            scopes: [],
            introspect: 'any',
            enabled: true,
            createdAt: '2026-03-01T12:00:00.000Z',
            secrets: [{ id: 'sec_YV_2pXjZnm_-U2sB', createdAt: '2026-03-01T12:00:00.000Z' }],
          },
        ],
      },
    },
  },
  readClient: {
    answers: {
      200: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_OokeSzSvNANbbYj4', createdAt: '2026-03-01T12:00:00.000Z' }],
      },
    },
  },
  changeClient: {
    body: { scopes: ['read'] },
    answers: {
      200: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_OokeSzSvNANbbYj4', createdAt: '2026-03-01T12:00:00.000Z' }],
      },
    },
  },
  disableClient: {
    body: { reason: 'its secret is on a web page' },
    answers: {
      200: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: false,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_OokeSzSvNANbbYj4', createdAt: '2026-03-01T12:00:00.000Z' }],
      },
    },
  },
  enableClient: {
    body: { reason: 'it has another secret' },
    answers: {
      200: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_OokeSzSvNANbbYj4', createdAt: '2026-03-01T12:00:00.000Z' }],
      },
    },
  },
  deleteClient: {},
  rotateClientSecret: {
    body: { revokeTokens: true, reason: 'leaked' },
    answers: {
      201: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [{ id: 'sec_NTT6YmueenIGAQmJ', createdAt: '2026-03-01T12:00:00.000Z' }],
        clientSecret: 'rsk_…',
      },
    },
  },
  endClientSecret: {
    answers: {
      200: {
        clientId: 'mobile',
        grantTypes: ['refresh_token'],
        scopes: ['read'],
        introspect: 'own',
        enabled: true,
        createdAt: '2026-03-01T12:00:00.000Z',
        secrets: [],
      },
    },
  },
  listClientGrants: {
    answers: {
      200: {
        grants: [
          {
            grant: 'grt_EOcC6nY_6kCkoUwwd0-AFQ',
            subject: 'dave',
            scope: 'read write',
            tokens: [
              {
                handle: 'tok_EOcC6nY_6kCkoUwwd0-AFQ',
                kind: 'refresh',
                issuedAt: '2026-03-01T12:00:00.000Z',
                expiresAt: '2026-03-31T12:00:00.000Z',
              },
            ],
          },
        ],
      },
    },
  },
  listSigningKeys: {
    answers: {
      200: {
        signingKeys: [
          {
            keyId: 'Ctjwd2NM9JJV-MZ1tDIZjo0KoGokjlgWFwq2huQcE48',
            algorithm: 'ES256',
            state: 'active',
            publicJwk: {
              crv: 'P-256',
              kty: 'EC',
              x: 'Xmc2KT7vGJenOTJVH8QHg8gU2SfFV4MpngbUeMSTlTk',
              y: 'I3NUgD64Hqyvziy98OepU_iRtU_5MyNZo2Mjr6QYRmQ',
              kid: 'Ctjwd2NM9JJV-MZ1tDIZjo0KoGokjlgWFwq2huQcE48',
              use: 'sig',
              alg: 'ES256',
            },
            createdAt: '2026-03-01T12:00:00.000Z',
            activatedAt: '2026-03-01T12:00:00.000Z',
          },
        ],
      },
    },
  },
  rotateSigningKey: {
    body: { algorithm: 'ES256' },
    answers: {
      200: {
        signingKeys: [
          {
            keyId: 'RB6TfcMagpqW0t366Xh9hNkxjcEiAuUh7dn3Q9DqoiM',
            algorithm: 'ES256',
            state: 'old',
            publicJwk: {
              crv: 'P-256',
              kty: 'EC',
              x: '_YrgcRtUhAYMj6nUotjHhSGrHKIQKqQHIO7fYqS33kc',
              y: 'NiQ-51LEsgA1XVEJkWixRlZwZFh2gxc49zD8I1gi7cE',
              kid: 'RB6TfcMagpqW0t366Xh9hNkxjcEiAuUh7dn3Q9DqoiM',
              use: 'sig',
              alg: 'ES256',
            },
            createdAt: '2026-03-01T12:00:00.000Z',
            activatedAt: '2026-03-01T12:00:00.000Z',
            retiredAt: '2026-03-01T12:00:00.000Z',
            keepUntil: '2026-03-01T12:10:00.000Z',
          },
        ],
      },
    },
  },
  revokeSigningKey: {
    body: { reason: 'it was in a backup' },
    answers: {
      200: {
        signingKeys: [
          {
            keyId: 'Ctjwd2NM9JJV-MZ1tDIZjo0KoGokjlgWFwq2huQcE48',
            algorithm: 'ES256',
            state: 'revoked',
            publicJwk: {
              crv: 'P-256',
              kty: 'EC',
              x: 'Xmc2KT7vGJenOTJVH8QHg8gU2SfFV4MpngbUeMSTlTk',
              y: 'I3NUgD64Hqyvziy98OepU_iRtU_5MyNZo2Mjr6QYRmQ',
              kid: 'Ctjwd2NM9JJV-MZ1tDIZjo0KoGokjlgWFwq2huQcE48',
              use: 'sig',
              alg: 'ES256',
            },
            createdAt: '2026-03-01T12:00:00.000Z',
            activatedAt: '2026-03-01T12:00:00.000Z',
            retiredAt: '2026-03-01T12:00:00.000Z',
            keepUntil: '2027-04-05T12:10:00.000Z',
          },
        ],
      },
    },
  },
  createIssuer: {
    body: {
      issuer: 'https://idp.example',
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          alg: 'ES256',
          use: 'sig',
          x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
          y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
        },
      ],
      algorithms: ['ES256'],
      audience: 'https://shop.example',
    },
    answers: {
      201: {
        id: 'iss_USoza3m1frOt4APz9RC8rC',
        issuer: 'https://idp.example',
        source: foreignSource('https://idp.example'),
        enabled: true,
        algorithms: ['ES256'],
        audience: ['https://shop.example'],
        claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
        skewSeconds: 60,
        maxLifetimeSeconds: 34560000,
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            alg: 'ES256',
            use: 'sig',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
          },
        ],
      },
    },
  },
  listIssuers: {
    answers: {
      200: {
        issuers: [
          {
            id: 'iss_USoza3m1frOt4APz9RC8rC',
            issuer: 'https://idp.example',
            source: foreignSource('https://idp.example'),
            enabled: true,
            algorithms: ['ES256'],
            audience: ['https://shop.example'],
            claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
            skewSeconds: 60,
            maxLifetimeSeconds: 34560000,
            keys: [
              {
                kty: 'EC',
                crv: 'P-256',
                alg: 'ES256',
                use: 'sig',
                x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
                y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
              },
            ],
          },
        ],
      },
    },
  },
  readIssuer: {
    answers: {
      200: {
        id: 'iss_USoza3m1frOt4APz9RC8rC',
        issuer: 'https://idp.example',
        source: foreignSource('https://idp.example'),
        enabled: true,
        algorithms: ['ES256'],
        audience: ['https://shop.example'],
        claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
        skewSeconds: 60,
        maxLifetimeSeconds: 34560000,
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            alg: 'ES256',
            use: 'sig',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
          },
        ],
      },
    },
  },
  changeIssuer: {
    body: { enabled: false, reason: 'its key leaked' },
    answers: {
      200: {
        id: 'iss_USoza3m1frOt4APz9RC8rC',
        issuer: 'https://idp.example',
        source: foreignSource('https://idp.example'),
        enabled: false,
        algorithms: ['ES256'],
        audience: ['https://shop.example'],
        claims: { jti: 'jti', subject: 'sub', authenticatedAt: 'auth_time' },
        skewSeconds: 60,
        maxLifetimeSeconds: 34560000,
        keys: [
          {
            kty: 'EC',
            crv: 'P-256',
            alg: 'ES256',
            use: 'sig',
            x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
            y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
          },
        ],
      },
    },
  },
  deleteIssuer: {},
}
