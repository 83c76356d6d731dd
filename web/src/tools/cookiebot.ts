import { booleans, onEvents, page } from '../page'
import type { ConsentTool } from '../types'

const CATEGORIES = ['necessary', 'preferences', 'statistics', 'marketing']

/** Cookiebot: `Cookiebot.consent`, which has the categories among other things. */
export const cookiebot: ConsentTool = {
  id: 'cookiebot',
  title: 'Cookiebot',
  isThere: () => typeof page.Cookiebot?.consent === 'object',
  read() {
    const given = booleans(page.Cookiebot.consent)
    const regulations = page.Cookiebot.regulations
    return {
      preferences: Object.fromEntries(CATEGORIES.filter((one) => one in given).map((one) => [one, given[one]!])),
      answered: page.Cookiebot.hasResponse === true && page.Cookiebot.consent.method !== 'implied',
      model: regulations?.ccpaApplies && !regulations.gdprApplies ? 'opt-out' : undefined,
    }
  },
  onChange(look) {
    onEvents(window, ['CookiebotOnAccept', 'CookiebotOnDecline', 'CookiebotOnConsentReady'], look)
  },
}
