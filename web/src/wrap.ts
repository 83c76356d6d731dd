/** Puts consent around analytics.js, as it comes from npm or with the snippet. */

import { createWrapper } from '@segment/analytics-consent-tools'
import { Consent } from './consent'
import type { Options } from './options'
import { showPanel } from './panel'
import { UPDATE } from './report'
import type { Settings } from './settings'

const ABOUT_PEOPLE = ['track', 'page', 'identify', 'group', 'alias', 'screen']

interface Middleware {
  payload: { obj: { type?: string; event?: string; context?: { consent?: { categoryPreferences?: any } } } }
  next: (payload: unknown) => void
  integration?: string
}

/**
 * A wrapper for an instance of analytics.js whose `load` was not called yet:
 * `withAssent({ host, writeKey })(analytics).load({ writeKey, cdnURL: host })`.
 */
export function withAssent(options: Options): <A extends object>(analytics: A) => A {
  const consent = new Consent(options)
  return (analytics) => {
    const wrapped = wrap(analytics, consent)
    if (options.debug) showPanel(consent)
    void consent.start()
    return wrapped
  }
}

function wrap<A extends object>(analytics: A, consent: Consent): A {
  const any = analytics as any
  consent.onRefused = () => forgetWaiting(any)
  const withConsent = createWrapper({
    shouldLoadSegment: async (context) => context.load({ consentModel: await consent.untilMayLoad() }),
    getCategories: () => consent.preferences,
    registerOnConsentChanged: (tell) => consent.canTell(tell),
    shouldEnableIntegration: (categories, preferences) => consent.enables(categories, preferences),
  })
  withConsent(any)
  const load = any.load
  any.load = (settings: unknown, options: any = {}) => {
    any.addSourceMiddleware(({ payload, next }: Middleware) => {
      // A change always goes on record; all else may only leave while somebody may have it.
      if (!consent.mayLeave && payload.obj.event !== UPDATE) return null
      return next(payload)
    })
    any.addDestinationMiddleware('*', ({ payload, next, integration }: Middleware) => {
      // Also under opt-in: somebody may refuse after the integrations were loaded.
      const categories = consent.settings?.integrations[integration ?? '']?.consentSettings?.categories ?? []
      return consent.enables(categories, consent.preferences) ? next(payload) : null
    })
    return load.call(any, settings, { ...options, updateCDNSettings: pipe(options.updateCDNSettings, leaveItToUs) })
  }
  return analytics
}

/** The wrapper would close everything itself, with it the record of a refusal, and what only the server can decide. */
function leaveItToUs(settings: Settings): Settings {
  const { consentSettings } = settings
  return consentSettings ? { ...settings, consentSettings: { ...consentSettings, hasUnmappedDestinations: true } } : settings
}

function pipe(first: ((settings: Settings) => Settings) | undefined, then: (settings: Settings) => Settings) {
  return (settings: Settings) => then(first ? first(settings) : settings)
}

/** What waits in the snippet's queue happened before somebody refused. */
function forgetWaiting(analytics: unknown): void {
  if (!Array.isArray(analytics)) return
  const kept = analytics.filter((call) => !ABOUT_PEOPLE.includes(call[0]))
  analytics.splice(0, analytics.length, ...kept)
}
