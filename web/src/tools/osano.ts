import { cookie, page, worded } from '../page'
import type { ConsentTool } from '../types'

/** Osano: `Osano.cm.getConsent()`; it keeps an answer in a cookie that only it can read. */
export const osano: ConsentTool = {
  id: 'osano',
  title: 'Osano',
  isThere: () => typeof page.Osano?.cm?.getConsent === 'function',
  read() {
    // What accepting to opt out means is not documented: a guess could open what was refused.
    const { OPT_OUT: _, ...preferences } = worded(page.Osano.cm.getConsent(), 'ACCEPT', 'DENY')
    return { preferences, answered: !!cookie('osano_consentmanager') }
  },
  onChange(look) {
    page.Osano.cm.addEventListener('osano-cm-initialized', look)
    page.Osano.cm.addEventListener('osano-cm-consent-saved', look)
  },
}
