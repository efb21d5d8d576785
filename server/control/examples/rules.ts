import { type Example, eventsOf, ndjsonOf } from '../frame/example.ts'

const BULK_ID = 'blk_p5N7ZLjKpY8Dchu2.S4TdVVmJpvqVcuyhdF6vLuPqhyJYukbCsHcXfPYL2bQ'
const COUNTS = {
  ...{ lines: 2, revoked: 1, wouldRevoke: 0, already: 0, unknown: 0, otherRealm: 0 },
  ...{ credential: 0, notOurs: 1, tooMany: 0, unreadable: 0, tooLong: 0 },
}
const BULK = {
  bulk: BULK_ID,
  state: 'done',
  dryRun: false,
  reason: 'leak',
  counts: COUNTS,
  resumeUntil: '2026-03-02T12:00:00.000Z',
}

/** Rules, and their receipts. */
export const RULES_EXAMPLES: Readonly<Record<string, Example>> = {
  revoke: {
    body: { target: { source: 'oauth', subject: 'alice' }, reason: 'phished', note: 'INC-7' },
    answers: {
      200: {
        dryRun: true,
        covers: { kind: 'principals', shape: 'subject', subject: 'alice', source: 'oauth' },
        complete: true,
        tokens: 2,
        grants: 1,
        subjects: 1,
        clients: 1,
        tenants: 0,
        largest: {
          grant: { name: 'grt_tDDKxf_kgASBtkepsDBi7w', source: 'oauth', tokens: 2 },
          subject: { name: 'alice', source: 'oauth', tokens: 2 },
          client: { name: 'svc', source: 'oauth', tokens: 2 },
        },
        usedLast15Minutes: 0,
        summary: '2 live tokens of 1 grant, 1 subject, 1 client, 0 tenants',
        digest: 'lQavwldcOCUKOZNNqxnr0stzeltqfi5ybPk1HUJtHz8.hE7K9gcX66g8HZ0G1h1oSPQwWa82ZNC2r77bb6wi8eM',
        credentials: 0,
      },
      201: {
        id: 'rev_1_15',
        realm: 'default',
        epoch: 1,
        seq: 15,
        at: '2026-03-01T12:00:00.000Z',
        covers: { kind: 'principals', shape: 'subject', subject: 'alice', source: 'oauth' },
        keepUntil: '2027-04-05T12:10:00.000Z',
        by: 'control:first',
        byName: 'first',
        from: '127.0.0.1',
        how: 'control.revoke',
        reason: 'phished',
        note: 'INC-7',
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
  listRevocations: {
    answers: {
      200: {
        revocations: [
          {
            id: 'rev_1_15',
            realm: 'default',
            epoch: 1,
            seq: 15,
            at: '2026-03-01T12:00:00.000Z',
            covers: { kind: 'principals', shape: 'subject', subject: 'alice', source: 'oauth' },
            keepUntil: '2027-04-05T12:10:00.000Z',
            by: 'control:first',
            byName: 'first',
            from: '127.0.0.1',
            how: 'control.revoke',
            reason: 'phished',
            note: 'INC-7',
          },
        ],
      },
    },
  },
  readRevocation: {
    answers: {
      200: {
        id: 'rev_1_15',
        realm: 'default',
        epoch: 1,
        seq: 15,
        at: '2026-03-01T12:00:00.000Z',
        covers: { kind: 'principals', shape: 'subject', subject: 'alice', source: 'oauth' },
        keepUntil: '2027-04-05T12:10:00.000Z',
        by: 'control:first',
        byName: 'first',
        from: '127.0.0.1',
        how: 'control.revoke',
        reason: 'phished',
        note: 'INC-7',
        enforced: false,
        instanceCount: 1,
        instances: [
          {
            verifier: 'orders-api',
            instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
            label: 'host-1',
            position:
              '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
            state: 'behind',
          },
        ],
        laggards: [
          {
            verifier: 'orders-api',
            instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
            label: 'host-1',
            position:
              '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
            state: 'behind',
          },
        ],
      },
    },
  },
  followRevocation: {
    answers: {
      200: eventsOf(
        [
          'receipt',
          {
            id: 'rev_1_15',
            realm: 'default',
            epoch: 1,
            seq: 15,
            at: '2026-03-01T12:00:00.000Z',
            covers: { kind: 'principals', shape: 'subject', subject: 'alice', source: 'oauth' },
            keepUntil: '2027-04-05T12:10:00.000Z',
            by: 'control:first',
            byName: 'first',
            from: '127.0.0.1',
            how: 'control.revoke',
            reason: 'phished',
            note: 'INC-7',
            enforced: false,
            instanceCount: 1,
            instances: [
              {
                verifier: 'orders-api',
                instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
                label: 'host-1',
                position:
                  '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
                state: 'behind',
              },
            ],
            laggards: [
              {
                verifier: 'orders-api',
                instance: 'ins_hqNp9xcUgIdFwcGdB5au0g',
                label: 'host-1',
                position:
                  '1.K69Ioyf7JNSpMVJdCaUuIw.14.DE1EMueSv9KMyEvTPyYINvnznbaOmKC_lsqO3GBK8Nc.310oZ9cOP7S90G2wZ8darWT1EEway-PRifpwgPY6DBI',
                state: 'behind',
              },
            ],
          },
        ],
        ['end', { why: 'timeout' }],
      ),
    },
  },
  scheduleRevocation: {
    body: { target: { source: 'oauth', subject: 'bob' }, reason: 'leaves', at: '2026-03-01T13:00:00.000Z' },
    answers: {
      201: {
        id: 'sch_Hjz8lA26Iforok6jJdWwbw',
        realm: 'default',
        state: 'waiting',
        covers: { kind: 'principals', shape: 'subject', subject: 'bob', source: 'oauth' },
        reason: 'leaves',
        by: 'control:first',
        askedAt: '2026-03-01T12:00:00.000Z',
        at: '2026-03-01T13:00:00.000Z',
      },
    },
  },
  listScheduledRevocations: {
    answers: {
      200: {
        schedules: [
          {
            id: 'sch_Hjz8lA26Iforok6jJdWwbw',
            realm: 'default',
            state: 'waiting',
            covers: { kind: 'principals', shape: 'subject', subject: 'bob', source: 'oauth' },
            reason: 'leaves',
            by: 'control:first',
            askedAt: '2026-03-01T12:00:00.000Z',
            at: '2026-03-01T13:00:00.000Z',
          },
        ],
      },
    },
  },
  readScheduledRevocation: {
    answers: {
      200: {
        id: 'sch_Hjz8lA26Iforok6jJdWwbw',
        realm: 'default',
        state: 'waiting',
        covers: { kind: 'principals', shape: 'subject', subject: 'bob', source: 'oauth' },
        reason: 'leaves',
        by: 'control:first',
        askedAt: '2026-03-01T12:00:00.000Z',
        at: '2026-03-01T13:00:00.000Z',
      },
    },
  },
  cancelScheduledRevocation: {
    answers: {
      200: {
        id: 'sch_Hjz8lA26Iforok6jJdWwbw',
        realm: 'default',
        state: 'cancelled',
        covers: { kind: 'principals', shape: 'subject', subject: 'bob', source: 'oauth' },
        reason: 'leaves',
        by: 'control:first',
        askedAt: '2026-03-01T12:00:00.000Z',
        at: '2026-03-01T13:00:00.000Z',
        endedAt: '2026-03-01T12:00:00.000Z',
        endedBy: 'control:first',
      },
    },
  },
  revokeInBulk: {
    body: 'rsa_…\nnothing\n',
    answers: {
      200: ndjsonOf(
        { dryRun: false, realm: 'default', bulk: BULK_ID, resumedAfter: 0 },
        {
          line: 1,
          result: 'revoked',
          handle: 'tok_XqNQVr083NFIeRNrC3oDeA',
          source: 'oauth',
          subject: 'dave',
          client: 'svc',
        },
        { line: 2, result: 'notOurs' },
        { done: true, ...COUNTS },
      ),
    },
  },
  readBulk: { answers: { 200: BULK } },
  findBulk: { answers: { 200: { bulk: [BULK] } } },
}
