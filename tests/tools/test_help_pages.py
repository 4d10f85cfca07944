"""Man pages and completions say what the programs' --help says, no more and no less."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AFXFW_BUILD", ROOT / "build"))
sys.path.insert(0, str(ROOT / "tools"))

import help_pages  # noqa: E402

PROGRAMS = {
    "afxfw": (BUILD / "src/app/afxfw", "8"),
    "afxfwctl": (BUILD / "src/app/afxfwctl", "8"),
    "afxfw-replay": (BUILD / "src/app/afxfw-replay", "1"),
    "afxfw-pktgen": (BUILD / "tools/pktgen/afxfw-pktgen", "8"),
}
PAGES = [f"{name}.{section}" for name, (_, section) in PROGRAMS.items()] + ["afxfw-rules.5"]
BASH_COMPLETION = BUILD / "docs/completions/afxfw"


def build(*targets):
    subprocess.run(["ninja", "-C", BUILD, *targets], check=True, capture_output=True)


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request):
    return request.param


def page(name):
    return BUILD / "docs/man" / name


def rendered(name):
    """A page as text, 100 columns wide, without overstrikes."""
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page(name)], check=True,
                          capture_output=True, text=True,
                          env={**os.environ, "MANWIDTH": "100", "MAN_KEEP_FORMATTING": "",
                               "LC_ALL": "C.UTF-8"})
    assert done.stderr == ""
    return re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)


def long_options(text):
    """Words that begin with two dashes, each once."""
    return set(re.findall(r"(?<![\w-])--([a-z0-9][\w-]*)", text))


class TestParser:
    TEXT = """Usage: x [OPTIONS]

Group one:
  -i [ --iface ] NAME (=eth0)  first line 
                               and its second
  --long-and-wide auto|one|two
                               on a line of its own
  --flag                       says --iface in passing

Group two:
  -h [ --help ]                help

Exit codes: 0 fine
                               not a part of help
"""

    def test_the_blank_that_ends_a_wrapped_line_is_not_doubled(self):
        assert "line and" in help_pages.parse_help(self.TEXT)[0].text

    def test_reads_names_values_defaults_and_wrapped_text(self):
        assert help_pages.parse_help(self.TEXT) == [
            help_pages.Option("Group one", "i", "iface", "NAME", "eth0",
                              "first line and its second"),
            help_pages.Option("Group one", "", "long-and-wide", "auto|one|two", "",
                              "on a line of its own"),
            help_pages.Option("Group one", "", "flag", "", "", "says --iface in passing"),
            help_pages.Option("Group two", "h", "help", "", "", "help")]


    COMMANDS = """Commands:
  status             how it is
  add element SET { ELEMENT, … }   more
  block PREFIX…      less

Options:
  -h [ --help ]      help
"""

    def test_reads_commands_with_their_arguments(self):
        assert help_pages.parse_commands(self.COMMANDS) == [
            help_pages.Command(("status",), "", "how it is"),
            help_pages.Command(("add", "element"), "SET { ELEMENT, … }", "more"),
            help_pages.Command(("block",), "PREFIX…", "less")]
        assert help_pages.parse_commands(self.TEXT) == []


def test_man_page_has_the_commands_of_the_program():
    text = subprocess.run([PROGRAMS["afxfwctl"][0], "--help"], capture_output=True, text=True,
                          check=True).stdout
    # By another way than the parser's.
    commands = text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(commands) > 15
    page_text = rendered("afxfwctl.8")
    for line in commands:
        assert f"\n       {re.split(' {2,}', line.strip())[0]}" in page_text


def test_parser_finds_every_option_of_a_program(program):
    text = subprocess.run([PROGRAMS[program][0], "--help"], capture_output=True, text=True,
                          check=True).stdout
    # By another way than the parser's: the words at the beginning of lines.
    names = re.findall(r"^  (?:-\w \[ )?--([\w-]+)", text, re.MULTILINE)
    assert [option.long for option in help_pages.parse_help(text)] == names
    assert len(names) > 8


def test_man_page_has_the_options_of_the_program(program):
    path, section = PROGRAMS[program]
    options = {option.long for option in help_pages.options_of(path)}
    text = rendered(f"{program}.{section}")
    described = set(re.findall(r"^ {7}(?:-\w, )?--([\w-]+)", text, re.MULTILINE))
    assert described == options
    # Nor does the rest of it speak of any other.
    assert long_options(text) <= options | {"now"}  # systemctl enable --now


@pytest.mark.parametrize("name", PAGES)
def test_man_page_renders_without_a_warning(name):
    text = rendered(name)
    assert text.count("\nNAME\n") == 1
    assert not re.search(r"@[A-Za-z]+@", text), "a place in the template that was not filled in"
    if shutil.which("mandoc"):
        done = subprocess.run(["mandoc", "-T", "lint", "-W", "error", page(name)],
                              capture_output=True, text=True)
        assert done.stdout == ""


def complete_in_bash(words):
    """What bash completes the last of these words to, after sourcing the file as installed."""
    script = r"""
        source "$1"; shift
        program=$1
        COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        compopt() { :; } # is for a completion in progress only
        spec=$(complete -p "$program") || exit 1
        function=${spec#*-F }
        "${function%% *}"
        printf '%s\n' "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", BASH_COMPLETION, *words],
                          capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == ""
    return done.stdout.split()


class TestBash:
    def test_completes_every_option(self, program):
        options = help_pages.options_of(PROGRAMS[program][0])
        assert set(complete_in_bash([program, "--"])) == {f"--{each.long}" for each in options}

    def test_completes_a_begun_option(self):
        assert complete_in_bash(["afxfw", "--inl"]) == ["--inline-drop"]

    def test_completes_words_interfaces_and_files(self):
        assert complete_in_bash(["afxfw", "--mode", ""]) == ["auto", "native", "generic"]
        assert complete_in_bash(["afxfw", "--on-failure", "=", "d"]) == ["drop"]
        assert complete_in_bash(["afxfw", "--iface", "l"]) == ["lo"]
        assert complete_in_bash(["afxfw", "--blocklist", "READM"]) == ["README.md"]
        assert complete_in_bash(["afxfw-replay", "READM"]) == ["README.md"]

    def test_completes_commands_word_by_word(self):
        assert complete_in_bash(["afxfwctl", "un"]) == ["unblock", "unallow"]
        assert complete_in_bash(["afxfwctl", "--iface", "lo", "list", ""]) == ["rules", "sets",
                                                                               "set"]
        assert complete_in_bash(["afxfwctl", "add", ""]) == ["element"]
        assert complete_in_bash(["afxfwctl", "block", "READM"]) == ["README.md"]
        assert complete_in_bash(["afxfwctl", "cap"]) == ["capture"]
        assert complete_in_bash(["afxfwctl", "capture", "--verdict", ""]) == ["drop", "accept",
                                                                              "all"]

    def test_offers_nothing_where_it_cannot_know(self):
        assert complete_in_bash(["afxfw", "--duration", ""]) == []


class TestZsh:
    def test_completes_options_and_words(self):
        """In a real zsh on a terminal of its own."""
        if shutil.which("zsh") is None:
            pytest.skip("needs zsh; unsupported here")
        script = r"""
            zmodload zsh/zpty
            zpty z zsh -f -i
            read_for() { local out chunk; local end=$((SECONDS + 10))
                while ((SECONDS < end)); do
                    zpty -rt z chunk && out+=$chunk || sleep 0.05
                    [[ $out == *$1* ]] && break
                done; print -r -- $out; }
            zpty -w z "PS1= ; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; stty cols 200; print rea''dy"
            read_for ready
            zpty -w -n z $'afxfw --on-fai\t'
            read_for --on-failure
            zpty -w -n z $'d\t'
            read_for drop
            zpty -d z
        """
        done = subprocess.run(["zsh", "-f", "-c", script, "zsh", BUILD / "docs/completions"],
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, "TERM": "dumb"})
        assert "--on-failure" in done.stdout and "drop" in done.stdout, done

    @pytest.mark.parametrize("name", PROGRAMS)
    def test_is_valid_and_has_every_option(self, name):
        if shutil.which("zsh") is None:
            pytest.skip("needs zsh; unsupported here")
        path = BUILD / "docs/completions" / f"_{name}"
        subprocess.run(["zsh", "-f", "-n", path], check=True)
        options = {each.long for each in help_pages.options_of(PROGRAMS[name][0])}
        assert set(re.findall(r"'\*--([\w-]+)=?\[", path.read_text(encoding="utf-8"))) == options
