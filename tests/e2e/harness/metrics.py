"""Reads Prometheus's text format, by the rules of its documentation and nothing of afxfw's."""

import re

SAMPLE = re.compile(r'(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Metrics:
    """The samples of one scrape."""

    def __init__(self, text):
        self.text = text
        self._samples = []
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line}"
            labels = {name: re.sub(r"\\.", lambda each: ESCAPES[each[0]], value)
                      for name, value in LABEL.findall(match["labels"] or "")}
            self._samples.append((match["name"], labels, float(match["value"])))

    def sum(self, metric, **labels):
        """The sum of a metric's samples that have these labels; there must be one."""
        values = [value for name, having, value in self._samples
                  if name == metric and labels.items() <= having.items()]
        assert values, f"no {metric} with {labels}"
        return sum(values)
