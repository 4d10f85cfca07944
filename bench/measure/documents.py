"""Fills the measured parts of the documents in: what is between two comments,

    <!-- measured: FILE KEY -->
    ...
    <!-- end of measured -->

is made of docs/results/FILE.json: the table of its result KEY, or of the bars ("targets") of all, or
how it was measured ("header"). What there is no result for is left as it is."""

import json
import os
import re

from .report import as_markdown, header_text, targets_table

RESULTS = "docs/results"
DOCUMENTS = ("README.md", "docs/performance.md")
PART = re.compile(r"(<!-- measured: (\S+) (\S+) -->\n)(.*?)(<!-- end of measured -->)", re.DOTALL)


def section(document, key):
    """Markdown, or None."""
    if key == "header":
        return header_text(document) + "."
    if key == "targets":
        found = targets_table(document["results"])
        return "\n\n".join((found[0].markdown(), found[1] + ".")) if found else None
    return next((as_markdown(found) for found in document["results"] if found["key"] == key), None)


def filled_in(text, documents, plot_link):
    """The text with its measured parts made anew. documents: by file; plot_link: of a key, the
    Markdown that shows its plot, or ""."""
    def make(match):
        begin, file, key, old, end = match.groups()
        made = section(documents[file], key) if file in documents else None
        if made is None:
            return match[0]
        picture = plot_link(key)
        return begin + made + "\n" + (f"\n{picture}\n" if picture else "") + end
    return PART.sub(make, text)


def write_documents(root):
    """Rewrites the documents under `root`; returns the paths of those that have measured parts."""
    results = root / RESULTS
    documents = {path.stem: json.loads(path.read_text(encoding="utf-8"))
                 for path in results.glob("*.json")}
    written = []
    for name in DOCUMENTS:
        path = root / name

        def plot_link(key, folder=path.parent):
            plot = results / f"{key}.svg"
            if name == "README.md" or not plot.exists():
                return ""
            return f"![{key}]({os.path.relpath(plot, folder)})"

        old = path.read_text(encoding="utf-8")
        path.write_text(filled_in(old, documents, plot_link), encoding="utf-8")
        if PART.search(old):
            written.append(path)
    return written
