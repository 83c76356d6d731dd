import { cookie, onEvents, page } from '../page'
import type { ConsentModel, ConsentTool } from '../types'

interface Group {
  CustomGroupId?: string
  GroupName?: string
}

/** OneTrust: the groups of `GetDomainData()`, of which `OnetrustActiveGroups` are granted. */
export const onetrust: ConsentTool = {
  id: 'onetrust',
  title: 'OneTrust',
  isThere: () => typeof page.OneTrust?.GetDomainData === 'function' && typeof page.OnetrustActiveGroups === 'string',
  read() {
    const domain = page.OneTrust.GetDomainData()
    const groups = ((domain.Groups ?? []) as Group[]).map((one) => [one.CustomGroupId?.trim() ?? '', one.GroupName ?? ''] as const)
    const ids = groups.map(([id]) => id).filter(Boolean)
    // While it asks anew, what was answered before counts no longer.
    const isAskingAnew = /[?&]AwaitingReconsent=true/.test(`&${cookie('OptanonConsent')}`)
    const granted = new Set((page.OnetrustActiveGroups as string).split(','))
    return {
      preferences: isAskingAnew ? {} : Object.fromEntries(ids.map((id) => [id, granted.has(id)])),
      names: Object.fromEntries(groups),
      answered: !isAskingAnew && !!page.OneTrust.IsAlertBoxClosed?.(),
      isUnasked: domain.ShowAlertNotice === false,
      model: modelOf(domain.ConsentModel?.Name),
    }
  },
  onChange(look) {
    page.OneTrust.OnConsentChanged(look)
    onEvents(window, ['OneTrustGroupsUpdated'], look)
  },
}

function modelOf(name: unknown): ConsentModel | undefined {
  if (typeof name !== 'string') return undefined
  return ['opt-in', 'implied consent'].includes(name) ? 'opt-in' : 'opt-out'
}
