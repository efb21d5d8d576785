import { z } from 'zod'

/** Milliseconds that a preview counts, or a call waits for enforcement, unless it says otherwise. */
export const TIMEOUT_MS = 5_000

export const TIMEOUT: z.ZodInt = z.int().min(0).max(60_000)
