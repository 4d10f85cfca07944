"""What the documentation says about the programs is so: messages, links, metrics."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("**/*.md"), *ROOT.glob("*.md")])


def source_text():
    """All of the sources as one text, in which adjacent string literals are one."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.cpp"))]
    return re.sub(r'"\s*\n\s*"', "", "\n".join(texts))


def messages():
    """The messages that troubleshooting.md has an answer to."""
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    return re.findall(r"^`([^`]+)`\n: ", text, re.MULTILINE)


def test_there_are_messages():
    assert len(messages()) > 20


@pytest.mark.parametrize("message", messages())
def test_a_message_to_look_up_is_one_that_afxfw_prints(message):
    assert message in source_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), target


def test_dashboard_and_docs_name_metrics_that_exist():
    exported = set(re.findall(r'"(afxfw_\w+)"',
                              (ROOT / "src/control/metrics_text.cpp").read_text(encoding="utf-8")))
    dashboard = (DOCS / "grafana-dashboard.json").read_text(encoding="utf-8")
    named = set(re.findall(r"\bafxfw_\w+", dashboard))
    for page in ("operating.md", "troubleshooting.md", "getting-started.md", "security.md"):
        named |= set(re.findall(r"`(afxfw_\w+)", (DOCS / page).read_text(encoding="utf-8")))
    assert len(named) > 8
    assert named <= exported


def test_dashboard_has_a_unit_and_a_place_for_each_panel():
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]
    taken = set()
    for panel in panels:
        assert panel["fieldConfig"]["defaults"]["unit"]
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
