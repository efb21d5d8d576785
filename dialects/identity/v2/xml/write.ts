import type { Json, JsonObject } from '../../../wire/strict-json.ts'
import { isObject } from '../../../wire/strict-json.ts'
import { DEFAULT_NAMESPACE, NAMESPACES } from './namespaces.ts'

/** Element names of list items. */
const ITEMS: ReadonlyMap<string, string> = new Map([
  ['users', 'user'],
  ['tenants', 'tenant'],
  ['roles', 'role'],
  ['endpoints', 'endpoint'],
  ['serviceCatalog', 'service'],
  ['OS-KSADM:services', 'OS-KSADM:service'],
  ['extensions', 'extension'],
  ['media-types', 'media-type'],
  ['version', 'version'],
  ['links', 'atom:link'],
  ['RAX-AUTH:authenticatedBy', 'RAX-AUTH:credential'],
  ['RAX-AUTH:otpDevices', 'RAX-AUTH:otpDevice'],
  ['RAX-AUTH:mobilePhones', 'RAX-AUTH:mobilePhone'],
])

/** Lists, by parent, whose items stand directly in the parent. */
const BARE: ReadonlySet<string> = new Set([
  'service/endpoints',
  'versions/version',
  'media-types/values',
  'version/links',
  'extension/links',
])

/** Members omitted in XML: duplicates, and JSON members that only Keystone has. */
const LEFT_OUT: ReadonlySet<string> = new Set(['versions/values', 'token/audit_ids', 'token/issued_at'])

/** Texts written as elements; all others are attributes. */
const TEXT_ELEMENTS: ReadonlySet<string> = new Set(['message', 'details'])
const DESCRIBED: ReadonlySet<string> = new Set(['tenant', 'extension'])

/**
 * The XML form of a JSON document: objects become elements, texts attributes, lists elements around their items (the
 * vendor's schema; exceptions are above).
 */
export function xmlOf(document: JsonObject): string {
  const used = new Set<string>()
  const [root = '', value = null] = Object.entries(document).find(([name]) => !name.endsWith('_links')) ?? []
  const links = Object.entries(document).flatMap(([name, list]) =>
    name.endsWith('_links') && Array.isArray(list) ? (list as readonly Json[]) : [],
  )
  const writer = new Writer(used)
  const body = writer.element(root, value, links)
  const declared = [...used].map((prefix) => ` xmlns:${prefix}="${NAMESPACES.get(prefix) ?? ''}"`).join('')
  const opened = body.replace(`<${root}`, `<${root} xmlns="${DEFAULT_NAMESPACE}"${declared}`)
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${opened}`
}

class Writer {
  readonly #used: Set<string>

  constructor(used: Set<string>) {
    this.#used = used
  }

  element(name: string, value: Json, links: readonly Json[] = []): string {
    this.#use(name)
    const { attributes, children } = Array.isArray(value)
      ? { attributes: '', children: this.#items(name, value as readonly Json[]) }
      : this.#content(name, value)
    const inside = children + links.map((link) => this.element('atom:link', link)).join('')
    return inside === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${inside}</${name}>`
  }

  #content(name: string, value: Json): { attributes: string; children: string } {
    if (!isObject(value)) {
      const text = value === null || typeof value === 'object' ? '' : String(value)
      return { attributes: '', children: escaped(text) }
    }
    let attributes = ''
    let children = ''
    for (const [member, given] of Object.entries(value)) {
      if (given === null || member.endsWith('_links') || LEFT_OUT.has(`${localOf(name)}/${member}`)) continue
      if (typeof given === 'object') children += this.#child(name, member, given)
      else if (TEXT_ELEMENTS.has(member) || (member === 'description' && DESCRIBED.has(name)))
        children += this.element(member, given)
      else if (!(name === 'endpoint' && VERSION_PARTS.has(member)))
        attributes += this.#attribute(member, given)
    }
    return { attributes, children: children + this.#versionOf(name, value) }
  }

  #child(parent: string, member: string, given: Json): string {
    if (BARE.has(`${parent}/${member}`) && Array.isArray(given))
      return this.#items(parent === 'media-types' ? parent : member, given as readonly Json[])
    return this.element(member, given)
  }

  #items(list: string, items: readonly Json[]): string {
    return items
      .map((item) => {
        const name = ITEMS.get(list)
        if (name !== undefined) return this.element(name, item)
        // Items of credentials name their own element.
        return isObject(item)
          ? Object.entries(item)
              .map(([own, value]) => this.element(own, value))
              .join('')
          : ''
      })
      .join('')
  }

  #attribute(name: string, value: string | number | boolean): string {
    this.#use(name)
    return ` ${name}="${escaped(String(value))}"`
  }

  /** An endpoint's version is flat in JSON and an element in XML. */
  #versionOf(name: string, value: JsonObject): string {
    if (name !== 'endpoint') return ''
    const { versionId: id, versionInfo: info, versionList: list } = value
    if (id === undefined && info === undefined && list === undefined) return ''
    return this.element('version', {
      ...(id === undefined ? {} : { id }),
      ...(info === undefined ? {} : { info }),
      ...(list === undefined ? {} : { list }),
    })
  }

  #use(name: string): void {
    const colon = name.indexOf(':')
    if (colon > 0) this.#used.add(name.slice(0, colon))
  }
}

const VERSION_PARTS: ReadonlySet<string> = new Set(['versionId', 'versionInfo', 'versionList'])

function localOf(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

/** Characters that XML 1.0 cannot hold become U+FFFD. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replaceAll(/[&<>"'\t\n\r]/g, (char) => ESCAPES[char] ?? '')
}
