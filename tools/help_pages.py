#!/usr/bin/python3
"""Makes man pages and shell completions from what programs print with --help.

    tools/help_pages.py man TEMPLATE PROGRAM     TEMPLATE with @OPTIONS@ and @COMMANDS@ filled in
    tools/help_pages.py bash PROGRAM...          completion for bash, all programs in one file
    tools/help_pages.py zsh PROGRAM              completion for zsh

The program's --help is the one source: what is here never needs to know an option. Output goes to
standard output.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Option(NamedTuple):
    """One option of a program."""

    group: str
    short: str  # one letter, or ""
    long: str
    value: str  # what --help calls its value, or "" if it takes none
    default: str
    text: str


class Command(NamedTuple):
    """One command of a program that has some, as "add element SET"."""

    words: tuple  # of which it consists
    arguments: str
    text: str


GROUP = re.compile(r"^(\S.*):$")
OPTION = re.compile(
    r"^  (?:-(?P<short>\w) \[ --(?P<long>[\w-]+) \]|--(?P<only>[\w-]+))"
    r"(?: (?P<value>[^\s(]\S*))?(?: \(=(?P<default>[^)]*)\))?(?:\s+(?P<text>\S.*))?$")
COMMAND = re.compile(r"^  (?P<words>[a-z]+(?: [a-z]+)*)(?P<arguments>(?: \S+)*)  +(?P<text>\S.*)$")
CONTINUED = re.compile(r"^ {8,}(\S.*)$")


def parse_help(text):
    """The options of a --help text, in its order."""
    options, group, within = [], "", False
    for line in text.splitlines():
        if match := GROUP.match(line):
            group, within = match[1], False
        elif match := OPTION.match(line):
            within = True
            options.append(Option(group, match["short"] or "", match["long"] or match["only"],
                                  match["value"] or "", match["default"] or "",
                                  (match["text"] or "").strip()))
        elif within and (match := CONTINUED.match(line)):
            last = options[-1]
            options[-1] = last._replace(text=f"{last.text} {match[1].strip()}".strip())
        else:
            within = False
    return options


def parse_commands(text):
    """The commands of a --help text, if it has any."""
    commands, within = [], False
    for line in text.splitlines():
        if match := GROUP.match(line):
            within = match[1] == "Commands"
        elif within and (match := COMMAND.match(line)):
            commands.append(Command(tuple(match["words"].split()), match["arguments"].strip(),
                                    match["text"].strip()))
    return commands


def help_of(program):
    return subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def commands_of(program):
    return parse_commands(help_of(program))


def options_of(program):
    options = parse_help(help_of(program))
    if not options:
        sys.exit(f"help_pages.py: found no option in what {program} --help prints")
    return options


def roff(text):
    """Text for groff: no character of it is taken for a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def roff_option(option):
    names = [f"\\-{option.short}"] if option.short else []
    names.append(f"\\-\\-{roff(option.long)}")
    head = ", ".join(f"\\fB{name}\\fR" for name in names)
    if option.value:
        head += f" \\fI{roff(option.value)}\\fR"
    lines = [".TP", head, roff(option.text[:1].upper() + option.text[1:]) + "."]
    if option.default:
        lines.append(f"Default: {roff(option.default)}.")
    return lines


def roff_command(command):
    head = f"\\fB{roff(' '.join(command.words))}\\fR"
    if command.arguments:
        head += f" \\fI{roff(command.arguments)}\\fR"
    return [".TP", head, roff(command.text[:1].upper() + command.text[1:]) + "."]


def man_page(template, program):
    commands = [line for each in commands_of(program) for line in roff_command(each)]
    template = template.replace("@COMMANDS@", "\n".join(commands))
    lines, group = [], None
    for option in options_of(program):
        if option.group != group:
            group = option.group
            lines.append(f".SS {roff(group)}")
        lines += roff_option(option)
    return template.replace("@OPTIONS@", "\n".join(lines))


# What a value's name says about what may stand there. Words between bars are all there is.
FILES = ("FILE",)
INTERFACES = ("NAME",)


def choices(option):
    """The words that a value may be, if --help lists them."""
    words = option.value.split("|")
    if len(words) < 2:
        return []
    return [word for word in words if word == word.lower()]


def next_words(commands):
    """For the words of a command so far, joined by blanks: those that may come next."""
    known = {}
    for command in commands:
        for count, word in enumerate(command.words):
            following = known.setdefault(" ".join(command.words[:count]), [])
            if word not in following:
                following.append(word)
    return known


def bash_commands(program, takes_value):
    """Completes the words of commands; what follows them may be a file."""
    known = next_words(commands_of(program))
    if not known:
        return []
    lines = ["  local said=() at",
             "  for ((at = 1; at < COMP_CWORD; at++)); do",
             "    case ${COMP_WORDS[at]} in",
             f"      {' | '.join(takes_value)}) at=$((at + 1)) ;;",
             "      -*) ;;",
             "      *) said+=(\"${COMP_WORDS[at]}\") ;;",
             "    esac",
             "  done",
             "  if [[ $word != -* ]]; then",
             "    case ${said[*]} in"]
    for said, following in known.items():
        lines += [f"      '{said}')",
                  "        mapfile -t COMPREPLY < "
                  f"<(compgen -W '{' '.join(following)}' -- \"$word\")",
                  "        return",
                  "        ;;"]
    return [*lines, "    esac", "  fi"]


def bash_completion(programs):
    names = " ".join(Path(program).name for program in programs)
    lines = ["# bash completion for " + names + "; made from their --help.", ""]
    for program in programs:
        name = Path(program).name
        function = "_" + name.replace("-", "_")
        options = options_of(program)
        flags = [f"--{option.long}" for option in options]
        flags += [f"-{option.short}" for option in options if option.short]
        lines += [f"{function}() {{",
                  "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}",
                  "  COMPREPLY=()",
                  "  # \"=\" is a word of its own.",
                  "  if [[ $word == = ]]; then word=; fi",
                  "  if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi",
                  "  case $before in"]
        takes_value = []
        for option in options:
            pattern = f"--{option.long}" + (f" | -{option.short}" if option.short else "")
            if words := choices(option):
                action = f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(words)}' -- \"$word\")"
            elif option.value in FILES:
                action = "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")"
            elif option.value in INTERFACES:
                action = ("mapfile -t COMPREPLY < <(cd /sys/class/net && "
                          "compgen -W \"$(echo *)\" -- \"$word\")")
            elif option.value:
                takes_value.append(pattern)
                continue
            else:
                continue
            lines += [f"    {pattern})", f"      {action}", "      return", "      ;;"]
        if takes_value:
            lines += [f"    {' | '.join(takes_value)})", "      return", "      ;;"]
        with_values = [f"--{each.long}" for each in options if each.value]
        with_values += [f"-{each.short}" for each in options if each.value and each.short]
        lines += ["  esac", *bash_commands(program, with_values),
                  "  if [[ $word == -* ]]; then",
                  f"    mapfile -t COMPREPLY < <(compgen -W '{' '.join(flags)}' -- \"$word\")",
                  "  else",
                  "    compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")",
                  "  fi",
                  "}",
                  f"complete -F {function} {name}", ""]
    return "\n".join(lines)


def zsh_quoted(text):
    for character in "\\[]:":
        text = text.replace(character, "\\" + character)
    return text.replace("'", "'\\''")


def zsh_completion(program):
    name = Path(program).name
    lines = [f"#compdef {name}", f"# Made from {name} --help.", "", "_arguments -s -S \\"]
    for option in options_of(program):
        names = [f"--{option.long}" + ("=" if option.value else "")]
        if option.short:
            names.append(f"-{option.short}" + ("+" if option.value else ""))
        value = ""
        if option.value:
            if words := choices(option):
                action = f"({' '.join(words)})"
            elif option.value in FILES:
                action = "_files"
            elif option.value in INTERFACES:
                action = "_net_interfaces"
            else:
                action = ""
            value = f":{zsh_quoted(option.value)}:{action}"
        for each in names:
            lines.append(f"  '*{each}[{zsh_quoted(option.text)}]{value}' \\")
    known = next_words(commands_of(program))
    if known:
        lines.append(f"  '1:command:({' '.join(known.pop(''))})' \\")
        cases = " ".join(f"{said}) compadd {' '.join(following)} ;;"
                         for said, following in known.items())
        lines.append(f"  '2:argument:{{case $words[CURRENT-1] in {cases} *) _files ;; esac}}' \\")
    lines.append("  '*:file:_files'")
    return "\n".join(lines) + "\n"


def main(arguments):
    match arguments:
        case ["man", template, program]:
            page = man_page(Path(template).read_text(encoding="utf-8"), program)
        case ["bash", program, *more]:
            page = bash_completion([program, *more])
        case ["zsh", program]:
            page = zsh_completion(program)
        case _:
            sys.exit(__doc__)
    sys.stdout.write(page)


if __name__ == "__main__":
    main(sys.argv[1:])
