import { booleans, page } from '../page'
import type { ConsentTool, Preferences } from '../types'

const PURPOSES = ['1', '2', '3', '4', '5']

/** iubenda: `_iub.cs.consent`, which is there once somebody answered. */
export const iubenda: ConsentTool = {
  id: 'iubenda',
  title: 'iubenda',
  isThere: () => typeof page._iub?.cs === 'object',
  read() {
    const consent = page._iub.cs.consent
    return { preferences: preferencesOf(consent), answered: !!consent?.timestamp }
  },
  onChange(look) {
    const callbacks = ((page._iub.csConfiguration ??= {}).callback ??= {})
    const theirs = callbacks.onPreferenceExpressed
    callbacks.onPreferenceExpressed = (...args: unknown[]) => {
      theirs?.apply(callbacks, args)
      look()
    }
  },
}

/** Numbers, or in the older form yes or no to everything but what is necessary. */
function preferencesOf(consent: any): Preferences {
  if (consent?.purposes) return booleans(consent.purposes)
  if (typeof consent?.consent !== 'boolean') return {}
  return Object.fromEntries(PURPOSES.map((one) => [one, one === '1' || consent.consent]))
}
