import type { Example } from '../frame/example.ts'

/** Apps, clients and users of the other dialects. */
export const PEOPLE_EXAMPLES: Readonly<Record<string, Example>> = {
  createChatApp: {
    body: { name: 'support' },
    answers: {
      201: {
        name: 'support',
        source: 'chat/support',
        enabled: true,
        sandbox: false,
        newerMembers: false,
        tokenLifetimeSeconds: 604800,
        apiKey: 'sipz…',
        clientKey: 'wPrt…',
      },
    },
  },
  listChatApps: {
    answers: {
      200: {
        chatApps: [
          {
            name: 'acme',
            source: 'chat/acme',
            enabled: true,
            sandbox: false,
            newerMembers: false,
            tokenLifetimeSeconds: 604800,
          },
        ],
      },
    },
  },
  readChatApp: {
    answers: {
      200: {
        name: 'support',
        source: 'chat/support',
        enabled: true,
        sandbox: false,
        newerMembers: false,
        tokenLifetimeSeconds: 604800,
      },
    },
  },
  changeChatApp: {
    body: { tokenLifetimeSeconds: 3600 },
    answers: {
      200: {
        name: 'support',
        source: 'chat/support',
        enabled: true,
        sandbox: false,
        newerMembers: false,
        tokenLifetimeSeconds: 3600,
      },
    },
  },
  rotateChatApiKey: {
    answers: {
      201: {
        name: 'support',
        source: 'chat/support',
        enabled: true,
        apiKeys: 2,
        sandbox: false,
        newerMembers: false,
        tokenLifetimeSeconds: 3600,
        apiKey: 'WTQ…',
      },
    },
    body: {},
  },
  retireChatApiKey: {
    body: { which: 'older' },
    answers: {
      200: {
        name: 'support',
        source: 'chat/support',
        enabled: true,
        sandbox: false,
        newerMembers: false,
        tokenLifetimeSeconds: 3600,
      },
    },
  },
  deleteChatApp: {},
  listChatClients: {
    answers: {
      200: {
        clients: [
          {
            id: 'zoe',
            createdAt: '2026-03-01T12:00:00.000Z',
            updatedAt: '2026-03-01T12:00:00.000Z',
            state: 'live',
          },
        ],
      },
    },
  },
  readChatClient: {
    answers: {
      200: {
        id: 'zoe',
        createdAt: '2026-03-01T12:00:00.000Z',
        updatedAt: '2026-03-01T12:00:00.000Z',
        state: 'live',
        tokens: { count: 1, complete: true },
      },
    },
  },
  endChatClient: {
    body: { reason: 'stolen phone' },
    answers: {
      200: {
        dryRun: true,
        covers: { kind: 'principals', shape: 'client', client: 'zoe', source: 'chat/acme' },
        complete: true,
        tokens: 1,
        grants: 1,
        subjects: 1,
        clients: 1,
        tenants: 0,
        largest: {
          grant: { name: 'grt_FaCIg-mxNTDrkTs8vk2UvQ', source: 'chat/acme', tokens: 1 },
          subject: { name: 'zoe', source: 'chat/acme', tokens: 1 },
          client: { name: 'zoe', source: 'chat/acme', tokens: 1 },
        },
        usedLast15Minutes: 0,
        summary: '1 live token of 1 grant, 1 subject, 1 client, 0 tenants',
        digest: 'oxReFkk1r79aDogvvAV3c_heMJ9RN4V_2y3vIwy_dck.5KPIcUXv1FaQoSBkLv5kY_nukj3EQpfpw0K6LP5Kyp8',
        credentials: 0,
      },
      201: {
        id: 'rev_1_52',
        realm: 'default',
        epoch: 1,
        seq: 52,
        at: '2026-03-01T12:00:00.000Z',
        covers: { kind: 'principals', shape: 'client', client: 'zoe', source: 'chat/acme' },
        keepUntil: '2036-02-27T12:10:00.000Z',
        by: 'control:first',
        byName: 'first',
        from: '127.0.0.1',
        how: 'control.endChatClient',
        reason: 'stolen phone',
      },
      202: {
        id: 'apr_GEifcUL_M1q1xxJ1uSyULA',
        realm: 'branch',
        state: 'waiting',
        act: 'revocation',
        covers: { kind: 'principals', shape: 'realm' },
        tokens: 0,
        complete: false,
        reason: 'all of it',
        askedBy: 'control:first',
        askedAt: '2026-03-01T12:00:00.000Z',
        expiresAt: '2026-03-02T12:00:00.000Z',
      },
    },
  },
  listIdentityUsers: {
    answers: {
      200: {
        users: [
          {
            id: '77',
            username: 'ann',
            enabled: true,
            state: 'live',
            domain: 'default',
            account: '900100',
            tenant: '900100',
            hasPassword: true,
            hasApiKey: true,
            secondFactor: { enabled: false, enforcement: 'DEFAULT', otpDevices: 0, phones: 0 },
          },
        ],
      },
    },
  },
  readIdentityUser: {
    answers: {
      200: {
        id: '77',
        username: 'ann',
        enabled: true,
        state: 'live',
        domain: 'default',
        account: '900100',
        tenant: '900100',
        hasPassword: true,
        hasApiKey: true,
        secondFactor: { enabled: false, enforcement: 'DEFAULT', otpDevices: 0, phones: 0 },
        roles: [{ id: '3', name: 'identity:user-admin' }],
      },
    },
  },
  changeIdentityUser: {
    body: { enabled: false, reason: 'left' },
    answers: {
      200: {
        id: '77',
        username: 'ann',
        enabled: false,
        state: 'disabled',
        domain: 'default',
        account: '900100',
        tenant: '900100',
        hasPassword: true,
        hasApiKey: true,
        secondFactor: { enabled: false, enforcement: 'DEFAULT', otpDevices: 0, phones: 0 },
        roles: [{ id: '3', name: 'identity:user-admin' }],
      },
    },
  },
  endIdentityUser: {
    body: { reason: 'phished' },
    answers: {
      200: {
        dryRun: true,
        covers: { kind: 'principals', shape: 'subject', subject: '78', source: 'identity' },
        complete: true,
        tokens: 0,
        grants: 0,
        subjects: 0,
        clients: 0,
        tenants: 0,
        largest: {},
        usedLast15Minutes: 0,
        summary: '0 live tokens of 0 grants, 0 subjects, 0 clients, 0 tenants',
        digest: 'ZOl2EsUkdNY0xnpwTp6uXEtSj5W2A--0yu-om4xVy7s.lQ3NmhC6o3qLPkBThpABuhqFMbKnpC2AFImu99dcZwc',
        credentials: 0,
      },
      201: {
        id: 'rev_1_76',
        realm: 'default',
        epoch: 1,
        seq: 76,
        at: '2026-03-01T12:00:00.000Z',
        covers: { kind: 'principals', shape: 'subject', subject: '78', source: 'identity' },
        keepUntil: '2027-04-05T12:10:00.000Z',
        by: 'control:first',
        byName: 'first',
        from: '127.0.0.1',
        how: 'control.endIdentityUser',
        reason: 'phished',
      },
      202: {
        id: 'apr_GEifcUL_M1q1xxJ1uSyULA',
        realm: 'branch',
        state: 'waiting',
        act: 'revocation',
        covers: { kind: 'principals', shape: 'realm' },
        tokens: 0,
        complete: false,
        reason: 'all of it',
        askedBy: 'control:first',
        askedAt: '2026-03-01T12:00:00.000Z',
        expiresAt: '2026-03-02T12:00:00.000Z',
      },
    },
  },
  listIdentityCredentials: { answers: { 200: { credentials: [{ id: 'password' }] } } },
  endIdentityCredential: { answers: { 200: { credentials: [{ id: 'password' }] } } },
}
