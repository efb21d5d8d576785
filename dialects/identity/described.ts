/** When Keystone last changed its v2.0 API: the `updated` that clients expect. */
const V2_UPDATED = '2014-04-17T00:00:00Z'

/** The Keystone API that this one follows. Clients read it and do not use anything newer. */
const V3_VERSION = 'v3.14'
const V3_UPDATED = '2020-04-07T00:00:00Z'

/** v2.0 in version documents. */
export function describedV2(base: string): object {
  const links = [{ rel: 'self', href: `${base}/v2.0` }]
  return { id: 'v2.0', status: 'CURRENT', updated: V2_UPDATED, links }
}

/** v3 in version documents, linked below the base that the client dialled. */
export function describedV3(base: string): object {
  return {
    id: V3_VERSION,
    status: 'stable',
    updated: V3_UPDATED,
    links: [{ rel: 'self', href: `${base}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
}
