import { type Answer, jsonAnswer } from '../../wire/answer.ts'
import type { Call } from '../call.ts'
import { fault, VARY } from './faults.ts'

type Extension = {
  readonly alias: string
  readonly name: string
  readonly namespace: string
  readonly description: string
}

const UPDATED = '2014-04-17T00:00:00Z'
const OPENSTACK = 'http://docs.openstack.org/identity/api/ext'
const RACKSPACE = 'http://docs.rackspace.com/identity/api/ext'

const EXTENSIONS: readonly Extension[] = [
  {
    alias: 'OS-KSADM',
    name: 'OpenStack Keystone Admin',
    namespace: `${OPENSTACK}/OS-KSADM/v1.0`,
    description: 'Administration of users, tenants, roles and services.',
  },
  {
    alias: 'OS-KSVALIDATE',
    name: 'OpenStack Keystone Validate',
    namespace: `${OPENSTACK}/OS-KSVALIDATE/v1.0`,
    description: 'Validation of tokens that stand in no URL.',
  },
  {
    alias: 'OS-KSCRUD',
    name: 'OpenStack Keystone User CRUD',
    namespace: `${OPENSTACK}/OS-KSCRUD/v1.0`,
    description: 'Users change their own passwords.',
  },
  {
    alias: 'RAX-KSKEY',
    name: 'Rackspace API Key Authentication',
    namespace: `${RACKSPACE}/RAX-KSKEY/v1.0`,
    description: 'Logins by API key.',
  },
  {
    alias: 'RAX-AUTH',
    name: 'Rackspace Authentication',
    namespace: `${RACKSPACE}/RAX-AUTH/v1.0`,
    description: 'Impersonation, multi-factor authentication, password resets.',
  },
]

function extensionJson({ alias, name, namespace, description }: Extension): object {
  return { alias, name, namespace, updated: UPDATED, description, links: [] }
}

/** `GET /v2.0/extensions`: a plain list, as at the vendor. */
export function extensions(): Answer {
  return jsonAnswer(200, { extensions: EXTENSIONS.map(extensionJson), extensions_links: [] }, VARY)
}

/** `GET /v2.0/extensions/{alias}`. */
export function extension(_call: Call, [alias = '']: readonly string[]): Answer {
  const found = EXTENSIONS.find((one) => one.alias === alias)
  return found === undefined
    ? fault('itemNotFound', 'There is no such extension.')
    : jsonAnswer(200, { extension: extensionJson(found) }, VARY)
}
