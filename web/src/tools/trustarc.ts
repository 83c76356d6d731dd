import { cookie, page } from '../page'
import type { ConsentModel, ConsentTool } from '../types'

const BUCKETS = 3

/** TrustArc: the buckets of `getConsentDecision`, counted from 1. */
export const trustarc: ConsentTool = {
  id: 'trustarc',
  title: 'TrustArc',
  isThere: () => typeof page.truste?.cma?.callApi === 'function',
  read() {
    const { source, consentDecision } = page.truste.cma.callApi('getConsentDecision', location.hostname) ?? {}
    // A list of the buckets, or only the highest.
    const granted: number[] = Array.isArray(consentDecision)
      ? consentDecision
      : Array.from({ length: Number(consentDecision) || 0 }, (_, index) => index + 1)
    const isDecided = granted.length > 0 && source !== 'unprovisioned'
    const buckets = Array.from({ length: Math.max(BUCKETS, ...granted) }, (_, index) => index + 1)
    return {
      preferences: isDecided ? Object.fromEntries(buckets.map((one) => [`${one}`, granted.includes(one)])) : {},
      names: Object.fromEntries(buckets.map((one) => [`${one}`, ''])),
      answered: isDecided && source === 'asserted',
      model: modelOf(cookie('notice_behavior')),
    }
  },
  onChange(look) {
    window.addEventListener('message', ({ data }) => {
      const message: unknown = typeof data === 'string' ? data : data?.message
      if (typeof message === 'string' && message.includes('submit_preferences')) look()
    })
  },
}

function modelOf(behaviour = ''): ConsentModel | undefined {
  return behaviour.startsWith('expressed') ? 'opt-in' : behaviour.startsWith('implied') ? 'opt-out' : undefined
}
