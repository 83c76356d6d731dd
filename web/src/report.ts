/** What is sent without analytics.js, which may not run: a refusal, and that a page had no consent tool. */

import { cookie } from './page'
import type { Options } from './options'
import type { Preferences } from './types'

export const UPDATE = 'Segment Consent Preference Updated'

/**
 * The refusal alone goes on record. Nothing is put on the device of somebody who refused: the event has the id that
 * analytics.js gave earlier, or else one that is used this once.
 */
export function reportRefusal({ host, writeKey }: Options, preferences: Preferences): Promise<boolean> {
  const userId = stored('ajs_user_id')
  const now = new Date().toISOString()
  return post(`${host}/v1/t`, {
    type: 'track',
    event: UPDATE,
    ...(userId && { userId }),
    anonymousId: stored('ajs_anonymous_id') ?? randomId(),
    messageId: `assent-${randomId()}`,
    properties: {},
    timestamp: now,
    sentAt: now,
    writeKey,
    context: { consent: { categoryPreferences: preferences } },
  })
}

/** Says no more than that it happened: no id, no address of the page. */
export function reportNoTool({ host, writeKey }: Options): Promise<boolean> {
  return post(`${host}/v1/m`, {
    writeKey,
    series: [{ type: 'Counter', metric: 'assent.no_consent_tool', value: 1, tags: {} }],
  })
}

async function post(url: string, body: object): Promise<boolean> {
  try {
    const options = { method: 'POST', keepalive: true, body: JSON.stringify(body) }
    return (await fetch(url, { ...options, headers: { 'Content-Type': 'text/plain' } })).ok
  } catch {
    return false
  }
}

function stored(name: string): string | undefined {
  try {
    const kept = JSON.parse(localStorage.getItem(name) ?? 'null')
    if (typeof kept === 'string' && kept) return kept
  } catch {
    // No storage here: the cookie says the same.
  }
  return cookie(name) && decodeURIComponent(cookie(name)!)
}

function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, '0')).join('')
}
