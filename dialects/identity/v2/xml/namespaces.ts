/**
 * Prefixes as they stand in JSON member names, and what they mean in XML: there only namespaces count, whatever
 * prefix a document gives them.
 */
export const NAMESPACES: ReadonlyMap<string, string> = new Map([
  ['RAX-AUTH', 'http://docs.rackspace.com/identity/api/ext/RAX-AUTH/v1.0'],
  ['RAX-KSKEY', 'http://docs.rackspace.com/identity/api/ext/RAX-KSKEY/v1.0'],
  ['OS-KSADM', 'http://docs.openstack.org/identity/api/ext/OS-KSADM/v1.0'],
  ['atom', 'http://www.w3.org/2005/Atom'],
])

export const DEFAULT_NAMESPACE = 'http://docs.openstack.org/identity/api/v2.0'

const PREFIXES: ReadonlyMap<string, string> = new Map([
  [DEFAULT_NAMESPACE, ''],
  // A document that names no namespace at all can mean no other.
  ['', ''],
  ...[...NAMESPACES].map(([prefix, uri]): [string, string] => [uri, `${prefix}:`]),
])

/** What JSON writes before a name of this namespace; undefined for one that is not ours. */
export function jsonPrefix(uri: string): string | undefined {
  return PREFIXES.get(uri)
}
