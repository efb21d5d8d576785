export interface Clock {
  /** Milliseconds since 1970, UTC; may step. */
  wallMs(): number
  /** Milliseconds of a clock that only runs forward; its zero has no meaning. */
  monotonicMs(): number
}

export interface Random {
  bytes(count: number): Buffer
}
