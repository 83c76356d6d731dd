/** The queue that stands in for analytics.js until it is loaded, as in the published snippet. */

import { page } from './page'

const WITH_PAGE = ['track', 'screen', 'alias', 'group', 'page', 'identify']
const METHODS = [
  ...WITH_PAGE,
  ...'trackSubmit trackClick trackLink trackForm pageview reset debug ready on once off addSourceMiddleware'.split(' '),
  ...'addIntegrationMiddleware setAnonymousId addDestinationMiddleware register'.split(' '),
]

/** `window.analytics`, made where it is not there. */
export function analyticsOf(host: string): any {
  if (page.analytics) return page.analytics
  const queue: any = (page.analytics = [])
  queue.invoked = true
  queue.methods = METHODS
  queue.factory = (method: string) =>
    function (...given: unknown[]) {
      if (page.analytics.initialized) return page.analytics[method](...given)
      queue.push(WITH_PAGE.includes(method) ? [method, ...given, pageContext()] : [method, ...given])
      return queue
    }
  for (const method of METHODS) queue[method] = queue.factory(method)
  queue.load = (key: string, options: unknown) => {
    const script = document.createElement('script')
    script.async = true
    script.src = `${host}/analytics.js/v1/${encodeURIComponent(key)}/analytics.min.js`
    document.head.append(script)
    queue._loadOptions = options
  }
  queue._cdn = host
  return queue
}

/** Where the visitor was when it happened. */
function pageContext(): object {
  const canonical = document.querySelector('link[rel=canonical]')?.getAttribute('href') || undefined
  const { pathname, href, search } = location
  return { __t: 'bpc', c: canonical, p: pathname, u: href, s: search, t: document.title, r: document.referrer }
}
