import { booleans, onEvents, page } from '../page'
import type { ConsentTool } from '../types'

/** CookieYes: `getCkyConsent()`. */
export const cookieyes: ConsentTool = {
  id: 'cookieyes',
  title: 'CookieYes',
  isThere: () => typeof page.getCkyConsent === 'function',
  read() {
    const consent = page.getCkyConsent()
    return {
      preferences: booleans(consent?.categories),
      answered: consent?.isUserActionCompleted === true,
      model: consent?.activeLaw === 'ccpa' ? 'opt-out' : consent?.activeLaw === 'gdpr' ? 'opt-in' : undefined,
    }
  },
  onChange(look) {
    onEvents(document, ['cookieyes_consent_update', 'cookieyes_banner_load'], look)
  },
}
