/** Single-page apps: another address is another page, although nothing is loaded. */

export function onOtherPage(act: () => void): void {
  let last = location.pathname
  const look = () => {
    // The app sets the title after the address.
    setTimeout(() => {
      if (location.pathname === last) return
      last = location.pathname
      act()
    })
  }
  for (const name of ['pushState', 'replaceState'] as const) {
    const theirs = history[name]
    history[name] = function (...given) {
      theirs.apply(this, given)
      look()
    }
  }
  window.addEventListener('popstate', look)
}
