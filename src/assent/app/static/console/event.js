// The page of one event: the tabs of its payload, as the keyboard expects them.
(() => {
  const tabs = [...document.querySelectorAll('[role=tab]')]
  const show = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen
      tab.setAttribute('aria-selected', String(isChosen))
      tab.tabIndex = isChosen ? 0 : -1
      document.getElementById(tab.getAttribute('aria-controls')).hidden = !isChosen
    }
  }
  for (const tab of tabs) {
    tab.addEventListener('click', () => show(tab))
    tab.addEventListener('keydown', (event) => {
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key]
      if (!step) return
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]
      show(next)
      next.focus()
    })
  }
  if (tabs.length) show(tabs[0])
})()
