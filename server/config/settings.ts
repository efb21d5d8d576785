import { ACKNOWLEDGE, type Acknowledge } from '@rescind/authority'
import { parseStoreUrl, STORE_URL_HELP, type StoreUrl } from '@rescind/stores'
import { LOG_FORMATS, type LogFormat } from '../machine/log.ts'
import { parseProxies, type TrustedProxies } from '../machine/net/peer.ts'
import {
  type Listen,
  oneOf,
  parseKey,
  parseListen,
  parsePublicUrl,
  parseSideLog,
  RATE_MAX,
  type SideLog,
  trueOrFalse,
  wholeDays,
  wholeNumber,
} from './parse.ts'

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent']
const KEY_DAYS_MAX = 3_650
/** Shorter ones would be missed by a database that pauses now and then; longer ones delay revocations for too long. */
const [NODE_BOUND_MIN_MS, NODE_BOUND_MAX_MS] = [100, 10_000]

/**
 * The server's own settings; dialects add theirs. The configuration's type, flags, environment, file, `config explain`,
 * `--help` and docs/reference/settings.md come from these tables.
 */
export const SERVER_SETTINGS = {
  listen: {
    fallback: '127.0.0.1:8080',
    help: 'HOST:PORT to listen on; port 0 takes a free one',
    parse: (text: string, name: string): Listen => parseListen(text, name),
    insecure: {
      when: (listen: Listen, isTls: boolean): boolean => !listen.isLoopback && !isTls,
      at: 'not a loopback address, and no certificate',
      why: 'requests come in clear from the proxy: keep others off that network',
    },
  },
  store: {
    fallback: 'sqlite:./rescind-data/rescind.db',
    help: STORE_URL_HELP as string,
    parse: (text: string, name: string): StoreUrl => parseStoreUrl(text, name),
    insecure: {
      when: (store: StoreUrl): boolean => !store.isDurable,
      at: 'a store in memory',
      why: 'this store forgets everything, revocations too, when the server stops',
    },
  },
  masterKeyFile: {
    fallback: './rescind-data/master.key',
    help: 'file of the key that wraps all others; made only with a new store',
    parse: (text: string): string => text,
    insecure: undefined,
  },
  controlKey: {
    fallback: undefined,
    isSecret: true,
    help: 'control key (admin, all realms) of the first start; otherwise one is made and written to control.key',
    parse: (text: string, name: string): string => parseKey(text, name),
    insecure: undefined,
  },
  publicUrl: {
    fallback: undefined,
    help: 'URL by which clients reach this server; the OAuth issuer is below it (default: the listen address)',
    parse: (text: string, name: string): string => parsePublicUrl(text, name),
    insecure: undefined,
  },
  behindProxy: {
    fallback: undefined,
    help: 'CIDR[,CIDR...] of proxies whose forwarded headers are believed',
    parse: (text: string): TrustedProxies => parseProxies(text),
    insecure: undefined,
  },
  seed: {
    fallback: undefined,
    help: 'JSON file of realms, apps, clients and users to create if they never existed',
    parse: (text: string): string => text,
    insecure: undefined,
  },
  tlsCert: {
    fallback: undefined,
    help: 'PEM file with the certificate chain',
    parse: (text: string): string => text,
    insecure: undefined,
  },
  tlsKey: {
    fallback: undefined,
    help: 'PEM file with the private key of the certificate',
    parse: (text: string): string => text,
    insecure: undefined,
  },
  sideLog: {
    fallback: undefined,
    help: 'file on another volume that gets every revocation first (docs/run/backup.md); off: give up the side log that there is',
    parse: (text: string): SideLog => parseSideLog(text),
    insecure: {
      when: (sideLog: SideLog): boolean => sideLog === 'off',
      at: '`off`',
      why: 'what the store had as its side log proves nothing from now on: delete it, and take a backup',
    },
  },
  controlRate: {
    fallback: '5000',
    help: 'requests a second that one control key may make (verifiers: no limit); revoking has ten times that; 0: no limit',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: RATE_MAX }),
    insecure: {
      when: (value: number): boolean => value === 0,
      at: '0',
      why: 'control keys have no limit',
    },
  },
  issueRate: {
    fallback: '200',
    help: 'tokens a second, on average over an hour, that one caller may have issued; revoking has no quota; 0: no quota',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: RATE_MAX }),
    insecure: {
      when: (value: number): boolean => value === 0,
      at: '0',
      why: 'callers may have any number of tokens issued',
    },
  },
  allowInternalFetch: {
    fallback: 'false',
    isSwitch: true,
    help: 'fetch registered URLs (key sets of issuers) from internal addresses too, and from those by plain http',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: {
      when: (isOn: boolean): boolean => isOn,
      at: 'true',
      why: 'URLs that apps and issuers name may lead into this network, and in clear',
    },
  },
  allowWeakSecrets: {
    fallback: 'false',
    isSwitch: true,
    help: 'accept control and API keys below 128 bits, and the keys of the quick start on an address that others can reach',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: {
      when: (isOn: boolean): boolean => isOn,
      at: 'true',
      why: 'keys are taken that can be guessed, or that everybody can read in the quick start',
    },
  },
  auditRetention: {
    fallback: '400',
    help: 'days for which receipts and the audit can be read; after that only their hashes stay',
    parse: (text: string, name: string): number => wholeDays(text, name),
    insecure: undefined,
  },
  signingKeyDays: {
    fallback: '90',
    help: 'days after which a signing key is rotated by itself; 0: only on request',
    parse: (text: string, name: string): number => wholeNumber(text, { name, max: KEY_DAYS_MAX }),
    insecure: {
      when: (value: number): boolean => value === 0,
      at: '0',
      why: 'signing keys are never rotated by themselves',
    },
  },
  metricsOpen: {
    fallback: 'false',
    isSwitch: true,
    help: 'serve /metrics without a control key',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: {
      when: (isOn: boolean): boolean => isOn,
      at: 'true',
      why: '/metrics answers without a key',
    },
  },
  nodeBound: {
    fallback: '1000',
    help: 'milliseconds that a node on PostgreSQL may answer after its last heartbeat; one that stops delays revocations a little longer',
    parse: (text: string, name: string): number =>
      wholeNumber(text, { name, min: NODE_BOUND_MIN_MS, max: NODE_BOUND_MAX_MS }),
    insecure: undefined,
  },
  acknowledge: {
    fallback: 'everywhere',
    help: 'when a revocation on PostgreSQL is answered: everywhere, once each node refuses what it ended; durable, once it is written',
    parse: (text: string, name: string): Acknowledge => oneOf(ACKNOWLEDGE, { name, text }),
    insecure: {
      when: (value: Acknowledge): boolean => value === 'durable',
      at: '`durable`',
      why: 'for a moment after its answer, other nodes may still accept what was revoked',
    },
  },
  requireSync: {
    fallback: 'false',
    isSwitch: true,
    help: 'answer nothing as done before a synchronous standby of PostgreSQL has it on its disk; 503 while there is none',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: undefined,
  },
  readyStrict: {
    fallback: 'false',
    isSwitch: true,
    help: 'answer 503 on /readyz while anything is out of order, even in one realm; without it /readyz answers 200 and names what is',
    parse: (text: string, name: string): boolean => trueOrFalse(text, name),
    insecure: undefined,
  },
  logLevel: {
    fallback: 'info',
    help: 'debug, info, warn, error or silent',
    parse: (text: string, name: string): string => oneOf(LOG_LEVELS, { name, text }),
    insecure: undefined,
  },
  logFormat: {
    fallback: 'auto',
    help: 'json, text, or auto: text on a terminal, JSON elsewhere',
    parse: (text: string, name: string): LogFormat => oneOf(LOG_FORMATS, { name, text }),
    insecure: undefined,
  },
} as const
