// Ticking all boxes of a form at once.
document.addEventListener('change', (event) => {
  const all = event.target.closest('[data-tick-all]')
  if (!all) return
  for (const box of document.getElementById(all.dataset.tickAll).querySelectorAll('input[type=checkbox][name]')) {
    box.checked = all.checked
  }
})
