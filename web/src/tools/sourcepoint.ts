import { agreed, called, page } from '../page'
import type { ConsentTool, Preferences } from '../types'

interface Grant {
  vendorGrant?: boolean
  purposeGrants?: Record<string, boolean>
}

let isAnswered = false

/** Sourcepoint: the purposes of `getCustomVendorConsents`, each as all of its vendors have it. */
export const sourcepoint: ConsentTool = {
  id: 'sourcepoint',
  title: 'Sourcepoint',
  isThere: () => typeof page.__tcfapi === 'function' && !!(page._sp_ ?? page._sp_queue),
  async read() {
    const consents = await called((give) => page.__tcfapi('getCustomVendorConsents', 2, give))
    const named = [...(consents?.consentedPurposes ?? []), ...(consents?.consentedVendors ?? [])]
    return {
      preferences: preferencesOf(consents?.grants ?? {}),
      names: Object.fromEntries(named.map((one: any) => [one._id, one.name ?? ''])),
      answered: isAnswered,
    }
  },
  onChange(look) {
    page.__tcfapi('addEventListener', 2, (data: { eventStatus?: string }) => {
      if (data?.eventStatus === 'tcloaded' || data?.eventStatus === 'useractioncomplete') isAnswered = true
      look()
    })
  },
}

function preferencesOf(grants: Record<string, Grant>): Preferences {
  const preferences: Preferences = {}
  const byPurpose: Record<string, unknown[]> = {}
  for (const [vendor, one] of Object.entries(grants)) {
    if (typeof one.vendorGrant === 'boolean') preferences[`vendor ${vendor}`] = one.vendorGrant
    for (const [purpose, given] of Object.entries(one.purposeGrants ?? {})) (byPurpose[purpose] ??= []).push(given)
  }
  for (const [purpose, answers] of Object.entries(byPurpose)) {
    const answer = agreed(answers)
    if (answer !== undefined) preferences[purpose] = answer
  }
  return preferences
}
