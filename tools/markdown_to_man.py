#!/usr/bin/python3
"""Makes a man page of a Markdown file of docs/.

    tools/markdown_to_man.py FILE NAME SECTION VERSION WHAT-IT-IS

Knows what those files use: headings, paragraphs, lists, code, tables, links, bold. Output goes to
standard output.
"""

import re
import sys
from pathlib import Path

INLINE = re.compile(r"`(?P<code>(?:\\.|[^`])+)`|\*\*(?P<bold>[^*]+)\*\*|\[(?P<text>[^]]+)\]\((?P<target>[^)]+)\)")


def escape(text):
    """Text that groff takes for nothing but text."""
    for character, name in (("\\", "\\e"), ("-", "\\-"), ("…", "..."), ("→", "\\(->")):
        text = text.replace(character, name)
    return "\\&" + text if text.startswith((".", "'")) else text


def inline(text):
    """A line with its code and emphasis as fonts; links to elsewhere keep their target."""
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts.append(escape(text[end:match.start()]))
        if match["code"]:
            parts.append(f"\\fB{escape(match['code'].replace(chr(92) + '|', '|'))}\\fR")
        elif match["bold"]:
            parts.append(f"\\fB{escape(match['bold'])}\\fR")
        else:
            parts.append(escape(match["text"]))
        end = match.end()
    parts.append(escape(text[end:]))
    return "".join(parts)


def table(rows):
    """A table whose first row is the heading and whose second one is only dashes."""
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows]
    columns = len(cells[0])
    # The last column is wide; blocks let groff break its lines.
    layout = ["l", *["lx"] * (columns - 1)] if columns == 2 else ["lx"] * columns
    lines = [".TS", "allbox;", " ".join(f"{each}b" for each in layout), " ".join(layout) + "."]
    heading, body = cells[0], cells[2:]
    for row in [heading, *body]:
        blocks = [f"T{{\n{inline(cell) or chr(92) + '&'}\nT}}" for cell in row]
        lines.append("\t".join(blocks))
    return [*lines, ".TE"]


def convert(text):
    lines = iter(text.splitlines() + [""])
    page, paragraph, rows = [], [], []

    def finish():
        if rows:
            page.extend([".PP", *table(rows)])
            rows.clear()
        if paragraph:
            page.extend([".PP", *paragraph])
            paragraph.clear()

    for line in lines:
        if line.startswith("```"):
            finish()
            page.extend([".PP", ".nf", ".RS"])
            for code in lines:
                if code.startswith("```"):
                    break
                page.append(escape(code.expandtabs(8)) or "\\&")
            page.extend([".RE", ".fi"])
        elif line.startswith("# "):
            continue  # the page has its own title
        elif line.startswith("## "):
            finish()
            page.append(f".SH {inline(line[3:]).upper()}")
        elif line.startswith("|"):
            rows.append(line)
        elif re.match(r"- |\d+\. ", line):
            mark, item = line.split(" ", 1)
            finish()
            page.extend([f".IP {chr(92) + '(bu' if mark == '-' else mark} 4", inline(item)])
        elif line.startswith("  "):  # a list's item goes on
            page.append(inline(line.strip()))
        elif not line:
            finish()
        else:
            paragraph.append(inline(line))
    finish()
    return page


def main(arguments):
    if len(arguments) != 5:
        sys.exit(__doc__)
    source, name, section, version, what = arguments
    title = name.upper().replace("-", "\\-")
    head = ["'\\\" t", f'.TH {title} {section} "" "afxfw {version}" "File formats"', ".SH NAME",
            f"{escape(name)} \\- {escape(what)}",
            # Justified text has holes in the narrow cells of tables.
            ".ad l", ".nh", ".SH DESCRIPTION"]
    sys.stdout.write("\n".join(head + convert(Path(source).read_text(encoding="utf-8"))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
