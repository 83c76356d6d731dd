/** The script tag: finds the consent tool and loads analytics.js, or only offers `assent.withAssent`. */

import { optionsOf, type Options } from './options'
import { page } from './page'
import { onOtherPage } from './single_page'
import { analyticsOf } from './stub'
import { withAssent } from './wrap'

const script = document.currentScript as HTMLScriptElement
const stated = optionsOf(script)

/** For pages with a snippet or a bundle of their own; what is left out is as the tag says. */
page.assent = { withAssent: (options: Partial<Options> = {}) => withAssent({ ...stated, ...options }) }

if (stated.writeKey) {
  const analytics = withAssent(stated)(analyticsOf(stated.host))
  analytics._writeKey = stated.writeKey
  analytics.load(stated.writeKey, { initialPageview: true })
  if ('singlePage' in script.dataset) onOtherPage(() => page.analytics.page())
}
