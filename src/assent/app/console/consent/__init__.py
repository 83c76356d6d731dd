"""Privacy > Consent Management: categories, which destinations need them, and the rules."""

from typing import Final

from assent.app.console.consent.categories import CATEGORY_PAGES
from assent.app.console.consent.mapping import MAPPING_PAGES
from assent.app.console.consent.overview import OVERVIEW_PAGES
from assent.app.console.consent.rules import RULES_PAGES
from assent.app.console.consent.setup import SETUP_PAGES

CONSENT_PAGES: Final = [*OVERVIEW_PAGES, *SETUP_PAGES, *CATEGORY_PAGES, *MAPPING_PAGES, *RULES_PAGES]
