// Before the page is drawn: light or dark, as the person chose, else as their system has it.
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const draw = () => {
    const theme = localStorage.getItem('assent-theme') || (system.matches ? 'dark' : 'light')
    document.documentElement.dataset.bsTheme = theme
    document.dispatchEvent(new CustomEvent('assent:theme'))
  }
  system.addEventListener('change', draw)
  document.addEventListener('click', (event) => {
    if (!event.target.closest('[data-toggle-theme]')) return
    localStorage.setItem('assent-theme', document.documentElement.dataset.bsTheme === 'dark' ? 'light' : 'dark')
    draw()
  })
  draw()
})()
