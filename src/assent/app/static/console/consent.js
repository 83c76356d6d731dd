// The forms of consent: rows of the grid that stand out while nothing is ticked, and presets that answer all rules.
(() => {
  const markRow = (row) => row.classList.toggle('is-unmapped', !row.querySelector('input:checked'))

  const answerAsPreset = (radio) => {
    for (const [rule, value] of Object.entries(JSON.parse(radio.dataset.preset))) {
      radio.form.querySelector(`[name="${rule}"][value="${value}"]`).checked = true
    }
  }

  document.addEventListener('change', (event) => {
    const row = event.target.closest('.mapping tbody tr')
    if (row) markRow(row)
    if (event.target.dataset.preset) answerAsPreset(event.target)
  }, true)
})()
