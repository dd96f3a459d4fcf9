"""Nothing that a user calls something can leave its place in the page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.report.conftest import NASTY

from reguloom.report._render import SCRIPTS, STYLES, assets, render, safe_json


class Elements(HTMLParser):
    """Collects the elements of a page and the text of scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)


def parsed(text: str) -> Elements:
    found = Elements()
    found.feed(text)
    return found


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text() | st.sampled_from(NASTY))
def test_text_stays_text(text: str) -> None:
    made = safe_json({"name": text})
    assert not re.search(r"[<>&\u2028\u2029]", made)
    assert json.loads(made)["name"] == text
    made.encode("utf-8")


def test_numbers_that_are_none_become_null() -> None:
    assert json.loads(safe_json([float("nan"), float("inf"), 1.5, None, True])) == [None, None, 1.5, None, True]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_adds_no_element(name: str) -> None:
    plain, nasty = (parsed(render({"title": one, "names": [one]}, {"b0": "AAAA"})) for one in ("name", name))
    assert [tag for tag, _ in nasty.tags] == [tag for tag, _ in plain.tags]
    assert not any(key.startswith("on") for _, attributes in nasty.tags for key in attributes)


def test_the_page_names_its_own_code_and_asks_for_nothing() -> None:
    text = render({"title": "t"}, {})
    page = parsed(text)
    policy = next(one["content"] for tag, one in page.tags if tag == "meta" and "content-security" in str(one).lower())
    assert "default-src 'none'" in policy and "'unsafe" not in policy and "connect-src" not in policy
    for _, attributes in page.tags:
        for key in ("src", "href", "action", "srcset"):
            value = attributes.get(key) or ""
            assert value.startswith(("#", "data:,")) or not value, value
    assert not re.search(r"url\(|@import", assets("css", STYLES))
    code = assets("js", SCRIPTS)
    asking = r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|\bimport\("
    markup = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(f"{asking}|{markup}", code)
    addresses = set(re.findall(r"https?://[^\s\"'`)]+", code + assets("css", STYLES)))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of SVG, which is no address
    assert "</script" not in code and "<!--" not in code
