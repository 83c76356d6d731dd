"""The Hypothesis profiles: `ci` takes the same examples every time, `explore` looks for new ones."""

import os

from hypothesis import HealthCheck, Phase, settings

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile(
    "ci", derandomize=True, max_examples=200, deadline=None, database=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "explore", max_examples=5_000, deadline=None, database=None, suppress_health_check=_SLOW_IS_FINE
)
settings.register_profile(
    "mutants", settings.get_profile("ci"), max_examples=150, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
