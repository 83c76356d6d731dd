import { page } from '../page'
import type { ConsentTool, Preferences } from '../types'

/** Didomi: the purposes of `Didomi.getCurrentUserStatus()`. */
export const didomi: ConsentTool = {
  id: 'didomi',
  title: 'Didomi',
  isThere: () => typeof page.Didomi?.getCurrentUserStatus === 'function' && page.Didomi.isReady?.() !== false,
  read() {
    const status = page.Didomi.getCurrentUserStatus()
    const preferences: Preferences = {}
    for (const [id, one] of Object.entries<{ enabled?: unknown }>(status?.purposes ?? {})) {
      if (typeof one?.enabled === 'boolean') preferences[id] = one.enabled
    }
    return {
      preferences,
      answered: page.Didomi.shouldUserStatusBeCollected?.() === false,
      model: /^(ccpa|cpra|.*pa)$/.test(status?.regulation) ? 'opt-out' : status?.regulation === 'gdpr' ? 'opt-in' : undefined,
    }
  },
  onChange(look) {
    page.Didomi.on('consent.changed', look)
  },
}
