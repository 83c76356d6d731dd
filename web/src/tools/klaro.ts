import { booleans, page } from '../page'
import type { ConsentTool } from '../types'

interface Service {
  name: string
  title?: string
}

/** Klaro: its manager. A switch that was moved counts once it is saved. */
export const klaro: ConsentTool = {
  id: 'klaro',
  title: 'Klaro',
  isThere: () => typeof page.klaro?.getManager === 'function',
  read() {
    const manager = page.klaro.getManager()
    const services = (manager.config?.services ?? []) as Service[]
    return {
      preferences: booleans(manager.savedConsents ?? manager.consents),
      names: Object.fromEntries(services.map((one) => [one.name, one.title ?? ''])),
      answered: manager.confirmed === true,
    }
  },
  onChange(look) {
    page.klaro.getManager().watch({
      update: (_: unknown, name: string) => {
        if (name === 'saveConsents') look()
      },
    })
  },
}
