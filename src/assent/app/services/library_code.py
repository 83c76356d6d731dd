"""The code that sends events to this server: one sample for each library, with its address and a write key."""

import json
import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

_SNIPPET: Final = Path(__file__).parent.parent / "static" / "vendor" / "segment-snippet" / "snippet.js"


class Sample(NamedTuple):
    """Code for one library: its name for people, the language of the code, and where the code goes."""

    library: str
    language: str
    about: str
    code: str


def library_code(origin: str, write_key: str, categories: Sequence[str] = ()) -> list[Sample]:
    """Samples that send to `origin`, such as `https://events.example.com`.

    With `categories` (ids), each event is stamped with an answer to them. assent.js asks the page's consent tool; the
    others stamp a refusal, until whoever copies the code puts the person's answers in, so that nothing is ever recorded
    as granted that nobody granted. Without, they carry no consent.
    """
    write = _Writer(origin, write_key, dict.fromkeys(categories, False))
    asking = [
        Sample(
            "assent.js",
            "html",
            "In the head of every page, nothing else: it asks the consent tool that is there, and loads analytics.js.",
            write.tag(),
        )
    ]
    return [
        *(asking if categories else []),
        Sample("analytics.js", "html", "In the head of every page. This server has the library.", write.snippet()),
        Sample("@segment/analytics-next", "js", "In a browser, from npm.", write.npm()),
        Sample("@segment/analytics-node", "js", "On a Node server, from npm.", write.node()),
        Sample("segment-analytics-python", "python", "On a Python server, from PyPI.", write.python()),
        Sample("HTTP", "sh", "For everything else. Many events at once go to /v1/batch.", write.curl()),
        Sample("Pixel", "html", "In an e-mail: a picture that nobody sees. Its data is base64.", write.pixel()),
    ]


class _Writer:
    """Writes the samples for one server, source and stamp (empty: none)."""

    def __init__(self, origin: str, write_key: str, stamp: dict[str, bool]) -> None:
        self._origin = origin
        self._write_key = write_key
        self._stamp = stamp

    def tag(self) -> str:
        return f'<script src="{self._origin}/assent.js" data-write-key="{escape(self._write_key)}"></script>'

    def snippet(self) -> str:
        head, load = (self._filled(one) for one in _snippet())
        stamp = f"{Template(_SNIPPET_STAMP).substitute(stamp=_js(self._stamp))}\n" if self._stamp else ""
        return f"<script>\n{head}{stamp}{load}\n</script>"

    def _filled(self, script: str) -> str:
        return script.replace("https://HOST", self._origin).replace("WRITE_KEY", self._write_key)

    def npm(self) -> str:
        load = f"{{ writeKey: {_js(self._write_key)}, cdnURL: {_js(self._origin)} }}"
        if not self._stamp:
            return (
                "import { AnalyticsBrowser } from '@segment/analytics-next'\n\n"
                f"export const analytics = AnalyticsBrowser.load({load})\n"
                "analytics.page()"
            )
        return Template(_NPM_STAMPED).substitute(stamp=_js(self._stamp), load=load)

    def node(self) -> str:
        context = f"\n  context: {{ consent: {{ categoryPreferences: {_js(self._stamp)} }} }}," if self._stamp else ""
        return (
            "import { Analytics } from '@segment/analytics-node'\n\n"
            f"const analytics = new Analytics({{ writeKey: {_js(self._write_key)}, host: {_js(self._origin)} }})\n"
            "analytics.track({\n"
            "  userId: 'u1',\n"
            "  event: 'Order Completed',\n"
            f"  properties: {{ total: 37.5 }},{context}\n"
            "})\n"
            "await analytics.closeAndFlush()"
        )

    def python(self) -> str:
        consent = {"consent": {"categoryPreferences": self._stamp}}
        context = f"\n    context={_python(consent)}," if self._stamp else ""
        return (
            "import segment.analytics as analytics\n\n"
            f"analytics.write_key = {_python(self._write_key)}\n"
            f"analytics.host = {_python(self._origin)}\n"
            "analytics.track(\n"
            '    "u1",\n'
            '    "Order Completed",\n'
            f'    {{"total": 37.5}},{context}\n'
            ")\n"
            "analytics.flush()"
        )

    def curl(self) -> str:
        event = json.dumps(self._event("Order Completed"), indent=2)
        return (
            f"curl {shlex.quote(f'{self._origin}/v1/track')} -u {shlex.quote(f'{self._write_key}:')} "
            f"-H 'Content-Type: application/json' -d {shlex.quote(event)}"
        )

    def pixel(self) -> str:
        event = {"writeKey": self._write_key, **self._event("Mail Opened")}
        data = b64encode(json.dumps(event, separators=(",", ":")).encode()).decode()
        data = data.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        return f'<img src="{self._origin}/v1/pixel/track?data={data}" alt="" width="1" height="1">'

    def _event(self, name: str) -> dict[str, object]:
        consent = {"context": {"consent": {"categoryPreferences": self._stamp}}} if self._stamp else {}
        return {"userId": "u1", "event": name, **consent}


_SNIPPET_STAMP: Final = """\
// What the person answered: ask your consent tool here. Until you do, everything is refused.
var answers=function(){return $stamp};
analytics.addSourceMiddleware(function(call){var event=call.payload.obj;event.context=event.context||{};\
event.context.consent={categoryPreferences:answers()};call.next(call.payload)});"""

_NPM_STAMPED: Final = """\
import { AnalyticsBrowser } from '@segment/analytics-next'
import { createWrapper, resolveWhen } from '@segment/analytics-consent-tools'

// Three things to say about your consent tool: when it is ready, what is granted, and when that changes.
const withConsent = createWrapper({
  shouldLoadSegment: async (context) => {
    await resolveWhen(() => yourConsentTool.hasAnswer(), 500)
    context.load({ consentModel: 'opt-in' })
  },
  getCategories: () => yourConsentTool.answers(), // such as $stamp
  registerOnConsentChanged: (tell) => yourConsentTool.onChange((answers) => tell(answers)),
})

export const analytics = new AnalyticsBrowser()
withConsent(analytics).load($load)
analytics.page()"""


def _js(value: str | Mapping[str, bool]) -> str:
    """A value as JavaScript, also within a script element of HTML."""
    if isinstance(value, str):
        text = json.dumps(value).replace("<", "\\u003c")
        return text if "'" in value or '"' in value or "\\" in text else f"'{value}'"
    return f"{{ {', '.join(f'{_js(name)}: {json.dumps(one)}' for name, one in value.items())} }}"


def _python(value: object) -> str:
    """A value as Python, in double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_python(name)}: {_python(one)}' for name, one in value.items())}}}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


@cache
def _snippet() -> tuple[str, str]:
    """The published snippet, up to where it loads the library, and from there on."""
    head, load, rest = _SNIPPET.read_text().partition('analytics.load("')
    return head, load + rest
