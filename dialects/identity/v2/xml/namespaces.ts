/** Prefixes in JSON member names and their XML namespaces. In XML only the namespace counts, not the prefix. */
export const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['RAX-AUTH', 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'],
  ['RAX-KSKEY', 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'],
  ['OS-KSADM', 'http://docs.openstack.org/identity/api/ext/OS-KSADM/v1.0'],
  ['atom', 'http://www.w3.org/2005/Atom'],
])

export const DEFAULT_NAMESPACE = 'http://docs.openstack.org/identity/api/v2.0'

const PREFIXES: ReadonlyMap<string, string> = new Map([
  [DEFAULT_NAMESPACE, ''],
  // A document without any namespace can mean only this one.
  ['', ''],
  ...[...NAMESPACES].map(([prefix, uri]): [string, string] => [uri, `${prefix}:`]),
])

/** The JSON prefix of a namespace; undefined for one that is not ours. */
export function jsonPrefix(uri: string): string | undefined {
  return PREFIXES.get(uri)
}
