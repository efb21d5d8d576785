/** What one look found. `next` says what to do about it. */
export type Finding =
  | { readonly kind: 'right'; readonly about: string; readonly what: string }
  | {
      readonly kind: 'warning' | 'wrong'
      readonly about: string
      readonly what: string
      readonly next: string
    }
  | { readonly kind: 'unchecked'; readonly about: string; readonly what: string }

export function right(about: string, what: string): Finding {
  return { kind: 'right', about, what }
}

export function wrong(about: string, what: string, next: string): Finding {
  return { kind: 'wrong', about, what, next }
}

export function warning(about: string, what: string, next: string): Finding {
  return { kind: 'warning', about, what, next }
}

/** Not looked at, for want of something; no fault by itself. */
export function unchecked(about: string, what: string): Finding {
  return { kind: 'unchecked', about, what }
}
