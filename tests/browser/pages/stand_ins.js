// Stand-ins of twelve consent tools: their public API, their events, and where they keep an answer for the next page.
// `standIn(name)` puts one on the page; `banner.save({id: granted})` is what a person answers, `banner.reopen()` is
// the banner that is opened again and closed without another answer.
{
  const keep = (name, value) => (document.cookie = `${name}=${value}; path=/`)
  const kept = (name) => document.cookie.split('; ').find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1)
  const stored = (name) => JSON.parse(localStorage.getItem(name))
  const store = (name, value) => localStorage.setItem(name, JSON.stringify(value))
  const fire = (target, name, detail) => target.dispatchEvent(new CustomEvent(name, { detail }))
  const only = (answers, wanted) => Object.keys(answers).filter((id) => answers[id] === wanted)
  const map = (answers, to) => Object.fromEntries(Object.entries(answers).map(([id, one]) => [id, to(one)]))

  /** Each gives `save` and `reopen`. */
  const TOOLS = {
    onetrust() {
      const groups = { C0001: 'Strictly Necessary', C0002: 'Performance', C0004: 'Targeting' }
      const listeners = []
      const activate = (ids) => (window.OnetrustActiveGroups = `,${ids.join(',')},`)
      const isGranted = /groups=([^&]*)/.exec(kept('OptanonConsent') ?? '')?.[1]
      activate(isGranted ? decodeURIComponent(isGranted).split(',').filter((one) => one.endsWith(':1')).map((one) => one.slice(0, -2)) : ['C0001'])
      const tell = () => {
        const detail = OnetrustActiveGroups.split(',').filter(Boolean)
        for (const one of listeners) one({ detail })
        fire(window, 'OneTrustGroupsUpdated', detail)
      }
      window.OneTrust = { geolocationResponse: {} } // before it is itself
      const api = {
        GetDomainData: () => ({
          Groups: Object.entries(groups).map(([CustomGroupId, GroupName]) => ({ CustomGroupId, GroupName })),
          ConsentModel: { Name: 'opt-in' },
          ShowAlertNotice: !window.hasNoBanner,
        }),
        IsAlertBoxClosed: () => !!kept('OptanonAlertBoxClosed'),
        OnConsentChanged: (listener) => listeners.push(listener),
      }
      setTimeout(() => (window.OneTrust = api), 20)
      return {
        save(answers) {
          const all = { C0001: true, ...answers }
          const said = Object.entries(all).map(([id, one]) => `${id}:${one ? 1 : 0}`)
          keep('OptanonConsent', `isGpcEnabled=0&version=202501.1.0&interactionCount=1&groups=${encodeURIComponent(said.join(','))}&AwaitingReconsent=false`)
          keep('OptanonAlertBoxClosed', new Date().toISOString())
          activate(only(all, true))
          tell()
        },
        reopen: tell, // it tells of any banner that is closed
      }
    },

    cookiebot() {
      const text = kept('CookieConsent')
      const before = text ? Function(`return ${decodeURIComponent(text)}`)() : {}
      const refused = { necessary: true, preferences: false, statistics: false, marketing: false }
      window.Cookiebot = { consent: { ...refused, method: null, ...before }, hasResponse: !!text, regulations: { gdprApplies: true, ccpaApplies: false } }
      const ready = () => fire(window, 'CookiebotOnConsentReady')
      if (text) ready()
      return {
        save(answers) {
          Object.assign(Cookiebot.consent, answers, { method: 'explicit' })
          Cookiebot.hasResponse = true
          const { preferences, statistics, marketing } = Cookiebot.consent
          keep('CookieConsent', encodeURIComponent(`{stamp:'abc',necessary:true,preferences:${preferences},statistics:${statistics},marketing:${marketing},method:'explicit',ver:1,utc:1700000000000,region:'fr'}`))
          fire(window, only(answers, true).length ? 'CookiebotOnAccept' : 'CookiebotOnDecline')
          ready()
        },
        reopen: ready,
      }
    },

    usercentrics() {
      const state = { ALL: true, NONE: false }
      const details = () => {
        const answers = stored('ucData')
        const states = map(answers ?? { marketing: null, functional: null }, (one) => ({ state: one === null ? 'NO_STATE' : one === state.ALL ? 'ALL_ACCEPTED' : 'ALL_DENIED', name: 'A category' }))
        return { consent: { status: 'SOME_ACCEPTED', type: answers ? 'EXPLICIT' : 'IMPLICIT' }, categories: { essential: { state: 'ALL_ACCEPTED', name: 'Essential' }, ...states } }
      }
      window.__ucCmp = { isInitialized: () => Promise.resolve(true), getConsentDetails: () => Promise.resolve(details()) }
      const tell = () => fire(window, 'UC_CONSENT', details())
      return { save: (answers) => (store('ucData', answers), tell()), reopen: tell }
    },

    didomi() {
      const listeners = []
      const token = kept('didomi_token')
      const now = token ? JSON.parse(atob(decodeURIComponent(token))) : { user_id: 'u', purposes: { enabled: [], disabled: [] } }
      const is = (enabled) => (id) => [id, { id, enabled }]
      window.Didomi = {
        isReady: () => true,
        getCurrentUserStatus: () => ({
          user_id: now.user_id,
          regulation: 'gdpr',
          purposes: Object.fromEntries([...now.purposes.enabled.map(is(true)), ...now.purposes.disabled.map(is(false))]),
        }),
        shouldUserStatusBeCollected: () => !now.purposes.enabled.length && !now.purposes.disabled.length,
        on: (name, listener) => name === 'consent.changed' && listeners.push(listener),
      }
      return {
        save(answers) {
          now.purposes = { enabled: only(answers, true), disabled: only(answers, false) }
          keep('didomi_token', encodeURIComponent(btoa(JSON.stringify(now))))
          for (const one of listeners) one()
        },
        reopen: () => {},
      }
    },

    trustarc() {
      const buckets = () => kept('cmapi_cookie_privacy')?.match(/\d/g)?.map(Number)
      keep('notice_behavior', 'expressed,eu')
      window.truste = {
        cma: {
          callApi: (action) =>
            action === 'getConsentDecision' && (buckets() ? { source: 'asserted', consentDecision: buckets() } : { source: 'implied', consentDecision: 0 }),
        },
      }
      const tell = () => window.postMessage(JSON.stringify({ source: 'preference_manager', message: 'submit_preferences' }), '*')
      return { save: (answers) => (keep('cmapi_cookie_privacy', `permit ${['1', ...only(answers, true)].join(',')}`), tell()), reopen: tell }
    },

    ketch() {
      const listeners = []
      const text = () => kept('_ketch_consent_v1_')
      const purposes = () => (text() ? map(JSON.parse(atob(text())), (one) => one.status === 'granted') : { ads: false, stats: false })
      const tell = (listener) => listener({ purposes: purposes() })
      window.ketch = (action, event, listener) => {
        if (action !== 'on' || event !== 'consent') return
        listeners.push(listener)
        setTimeout(() => tell(listener)) // it has one from the start
      }
      return { save: (answers) => (keep('_ketch_consent_v1_', btoa(JSON.stringify(map(answers, (one) => ({ status: one ? 'granted' : 'denied' }))))), listeners.forEach(tell)), reopen: () => listeners.forEach(tell) }
    },

    osano() {
      const listeners = {}
      const consent = stored('osano') ?? { ESSENTIAL: 'ACCEPT', ANALYTICS: 'DENY', MARKETING: 'DENY', OPT_OUT: 'DENY' }
      const tell = (name) => (listeners[name] ?? []).forEach((one) => one({ ...consent }))
      window.Osano = { cm: { getConsent: () => ({ ...consent }), addEventListener: (name, one) => (listeners[name] ??= []).push(one) } }
      setTimeout(() => tell('osano-cm-initialized'))
      return {
        save(answers) {
          Object.assign(consent, map(answers, (one) => (one ? 'ACCEPT' : 'DENY')))
          store('osano', consent)
          keep('osano_consentmanager', 'opaque')
          tell('osano-cm-consent-saved')
        },
        reopen: () => tell('osano-cm-consent-saved'),
      }
    },

    iubenda() {
      window._iub ??= {}
      const cookie = '_iub_cs-12345'
      _iub.csConfiguration ??= { siteId: 12345, callback: { onPreferenceExpressed: () => (window.theirOwnCallback = true) } }
      _iub.cs = { consent: kept(cookie) ? JSON.parse(decodeURIComponent(kept(cookie))) : {} }
      const tell = () => _iub.csConfiguration.callback.onPreferenceExpressed(_iub.cs.consent)
      return {
        save(answers) {
          _iub.cs.consent = { timestamp: new Date().toISOString(), version: '1.71', purposes: { 1: true, ...answers }, id: 12345 }
          keep(cookie, encodeURIComponent(JSON.stringify(_iub.cs.consent)))
          tell()
        },
        reopen: tell,
      }
    },

    cookieyes() {
      const text = decodeURIComponent(kept('cookieyes-consent') ?? '')
      const before = Object.fromEntries(text.split(',').map((one) => one.split(':')))
      const ids = ['functional', 'analytics', 'performance', 'advertisement']
      let acted = before.action === 'yes'
      const categories = { necessary: true, ...Object.fromEntries(ids.map((id) => [id, before[id] === 'yes'])) }
      window.getCkyConsent = () => ({ activeLaw: 'gdpr', categories: { ...categories }, isUserActionCompleted: acted, consentID: 'c', languageCode: 'en' })
      const tell = () => fire(document, 'cookieyes_consent_update', { accepted: only(categories, true), rejected: only(categories, false) })
      return {
        save(answers) {
          Object.assign(categories, answers)
          acted = true
          const said = Object.entries(categories).map(([id, one]) => `${id}:${one ? 'yes' : 'no'}`)
          keep('cookieyes-consent', encodeURIComponent(['consentid:c', 'consent:yes', 'action:yes', ...said].join(',')))
          tell()
        },
        reopen: tell,
      }
    },

    klaro() {
      const watchers = []
      const before = kept('klaro') && JSON.parse(decodeURIComponent(kept('klaro')))
      const manager = {
        config: { services: [{ name: 'shop-ads', title: 'Ads' }, { name: 'shop-stats', title: 'Statistics' }] },
        consents: before ?? { 'shop-ads': false, 'shop-stats': false },
        confirmed: !!before,
        watch: (one) => watchers.push(one),
      }
      manager.savedConsents = { ...manager.consents }
      const tell = (name) => watchers.forEach((one) => one.update(manager, name, manager.consents))
      window.klaro = { getManager: () => manager }
      return {
        save(answers) {
          Object.assign(manager.consents, answers)
          tell('consents') // each switch, before anything is saved
          manager.savedConsents = { ...manager.consents }
          manager.confirmed = true
          keep('klaro', encodeURIComponent(JSON.stringify(manager.consents)))
          tell('saveConsents')
        },
        reopen() {
          manager.consents['shop-ads'] = !manager.consents['shop-ads'] // moved, and the window closed without saving
          tell('consents')
        },
      }
    },

    termly() {
      const listeners = {}
      const tell = (name) => (listeners[name] ?? []).forEach((one) => one({}))
      window.Termly = { getConsentState: () => stored('termly') ?? undefined, on: (name, one) => (listeners[name] ??= []).push(one) }
      setTimeout(() => tell('initialized'))
      return {
        save(answers) {
          store('termly', { essential: true, performance: false, social_networking: false, unclassified: false, ...answers })
          tell('consent')
        },
        reopen: () => tell('consent'),
      }
    },

    sourcepoint() {
      const listeners = []
      const grants = () => {
        const answers = stored('_sp_user_consent_1')
        return answers ? { v1: { vendorGrant: answers.aa11, purposeGrants: { aa11: answers.aa11 } }, v2: { vendorGrant: true, purposeGrants: answers } } : {}
      }
      window._sp_ = { config: {} }
      window.__tcfapi = (command, version, give) => {
        if (command === 'getCustomVendorConsents') give({ grants: grants(), consentedPurposes: [{ _id: 'aa11', name: 'Ads' }, { _id: 'bb22', name: 'Statistics' }] }, true)
        if (command !== 'addEventListener') return
        listeners.push(give)
        give({ eventStatus: stored('_sp_user_consent_1') ? 'tcloaded' : 'cmpuishown', listenerId: listeners.length }, true)
      }
      const tell = (eventStatus) => listeners.forEach((give) => give({ eventStatus }, true))
      return { save: (answers) => (store('_sp_user_consent_1', answers), tell('useractioncomplete')), reopen: () => (tell('cmpuishown'), tell('useractioncomplete')) }
    },
  }

  window.standIn = (name) => (window.banner = TOOLS[name]())
}
