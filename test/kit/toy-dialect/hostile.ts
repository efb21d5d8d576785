/** The toy dialect's error format, for the suite of malformed requests. */
export const TOY_SHAPE = {
  name: 'toy',
  prefixes: ['/toy'] as const,
  statuses: [400, 401, 404, 405, 413] as const,
  isError: ({ toy, ...more }: Readonly<Record<string, unknown>>, status: number): boolean => {
    const { status: said, text, ...rest } = Object(toy)
    const isWhole = Object.keys(more).length === 0 && Object.keys(rest).length === 0
    return said === status && typeof text === 'string' && isWhole
  },
}

export const TOY_USER = { name: 'tim', key: 'a-key-of-the-toy-dialect-01' }
export const TOY_KEY: string = `X-Toy-Key: ${TOY_USER.name}:${TOY_USER.key}`
