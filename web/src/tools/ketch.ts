import { booleans, cookie, page } from '../page'
import type { ConsentTool } from '../types'

let purposes: unknown

/** Ketch: what `ketch('on', 'consent', ...)` gives; it keeps an answer in a cookie. */
export const ketch: ConsentTool = {
  id: 'ketch',
  title: 'Ketch',
  isThere: () => typeof page.ketch === 'function',
  read: () => (purposes ? { preferences: booleans(purposes), answered: !!cookie('_ketch_consent_v1_') } : undefined),
  onChange(look) {
    page.ketch('on', 'consent', (consent: { purposes?: unknown }) => {
      purposes = consent?.purposes
      look()
    })
  },
}
