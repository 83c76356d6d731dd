"""Code to copy: each library sending to this server, with a consent object on every event."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

_SNIPPET: Final = (Path(__file__).parents[2] / "static/vendor/segment-snippet/snippet.min.js").read_text().strip()


class Sample(NamedTuple):
    """One way to send events, with where its code goes."""

    id: str
    title: str
    where: str
    code: str


def samples(origin: str, write_key: str, categories: Sequence[str]) -> list[Sample]:
    """The code for a source; `origin` is this server as clients reach it, `categories` are the ids to answer for."""
    refused = dict.fromkeys(categories, False)
    return [Sample(id_, title, where, write(origin, write_key, refused)) for id_, title, where, write in _WAYS]


def _script(value: object) -> str:
    """JSON that may stand in a script of a page."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _snippet(origin: str, write_key: str, refused: Mapping[str, bool]) -> str:
    loader = _SNIPPET.replace("https://ASSENT", origin).replace("WRITE_KEY", write_key)
    return f"""<script>
// What the person answered, by category id. Ask your consent tool here: until you do, everything is refused.
function consentAnswers() {{
  return {_script(refused)}
}}
{loader}
analytics.addSourceMiddleware(({{ payload, next }}) => {{
  payload.obj.context = {{ ...payload.obj.context, consent: {{ categoryPreferences: consentAnswers() }} }}
  next(payload)
}})
analytics.load("{write_key}")
analytics.page()
</script>"""


def _npm(origin: str, write_key: str, refused: Mapping[str, bool]) -> str:
    return f"""import {{ AnalyticsBrowser }} from '@segment/analytics-next'
import {{ createWrapper, resolveWhen }} from '@segment/analytics-consent-tools'

// Your consent tool: whether it has an answer, what that is, and when it changes.
const tool = {{
  hasAnswer: () => true,
  answers: () => ({_script(refused)}),
  onChange: (tell) => {{}},
}}

const withConsent = createWrapper({{
  shouldLoadSegment: async (context) => {{
    await resolveWhen(() => tool.hasAnswer(), 500)
    context.load({{ consentModel: 'opt-out' }})
  }},
  getCategories: () => tool.answers(),
  registerOnConsentChanged: (setCategories) => tool.onChange(setCategories),
}})

export const analytics = new AnalyticsBrowser()
withConsent(analytics).load({{ writeKey: '{write_key}', cdnURL: '{origin}' }})
analytics.page()"""


def _node(origin: str, write_key: str, refused: Mapping[str, bool]) -> str:
    return f"""import {{ Analytics }} from '@segment/analytics-node'

const analytics = new Analytics({{ writeKey: '{write_key}', host: '{origin}' }})
analytics.track({{
  userId: 'u-1',
  event: 'Order Completed',
  // What this person answered.
  context: {{ consent: {{ categoryPreferences: {_script(refused)} }} }},
}})
await analytics.closeAndFlush()"""


def _python(origin: str, write_key: str, refused: Mapping[str, bool]) -> str:
    return f"""import segment.analytics as analytics

analytics.write_key = "{write_key}"
analytics.host = "{origin}"
analytics.track(
    "u-1",
    "Order Completed",
    # What this person answered.
    context={{"consent": {{"categoryPreferences": {refused!r}}}}},
)
analytics.flush()"""


def _http(origin: str, write_key: str, refused: Mapping[str, bool]) -> str:
    event = {
        "userId": "u-1",
        "event": "Order Completed",
        "context": {"consent": {"categoryPreferences": refused}},
    }
    body = json.dumps(event, indent=2, ensure_ascii=False).replace("'", "'\\''")
    return f"curl -s {origin}/v1/track -u {write_key}: -H 'Content-Type: application/json' -d '{body}'"


_WAYS: Final[Sequence[tuple[str, str, str, Callable[[str, str, Mapping[str, bool]], str]]]] = (
    ("snippet", "analytics.js snippet", "On every page, before </head>.", _snippet),
    (
        "npm",
        "@segment/analytics-next with the consent wrapper",
        "Where your site starts: npm install @segment/analytics-next @segment/analytics-consent-tools",
        _npm,
    ),
    ("node", "@segment/analytics-node", "On your Node.js server.", _node),
    ("python", "analytics-python", "On your Python server: pip install segment-analytics-python", _python),
    ("http", "HTTP, with curl", "From anywhere: try it in a terminal now.", _http),
)
