/** What the gateway says of the source: the categories, the rules, and which integration needs what. */

import type { Preferences } from './types'

export interface Category {
  id: string
  /** Under which ids consent tools ask for it, such as `onetrust:C0002`. */
  signals?: string[]
  /** Switched off, so that it grants nothing. */
  closed?: boolean
}

export interface Settings {
  integrations: Record<string, { consentSettings?: { categories?: string[] } }>
  consentSettings?: { allCategories: string[]; hasUnmappedDestinations: boolean }
  assent?: { severalCategories: 'any' | 'all'; categories: Category[] }
}

export async function fetchSettings(host: string, writeKey: string): Promise<Settings> {
  const answer = await fetch(`${host}/v1/projects/${encodeURIComponent(writeKey)}/settings`)
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.message)
  return body
}

/** Whether an integration that is in `categories` may have what somebody with these preferences does. */
export function enables({ assent }: Settings, categories: string[], preferences: Preferences): boolean {
  if (!categories.length) return true
  const closed = new Set(assent?.categories.filter((one) => one.closed).map((one) => one.id))
  const isGranted = (id: string) => preferences[id] === true && !closed.has(id)
  return assent?.severalCategories === 'any' ? categories.some(isGranted) : categories.every(isGranted)
}

/** Whether no destination would get anything of somebody with these preferences. */
export function nothingMayGo({ consentSettings }: Settings, preferences: Preferences): boolean {
  if (!consentSettings || consentSettings.hasUnmappedDestinations) return false
  return !consentSettings.allCategories.some((id) => preferences[id])
}
