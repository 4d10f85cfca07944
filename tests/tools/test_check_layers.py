"""tools/check_layers.py finds what it is there to find, in trees made for the purpose."""

import subprocess
from pathlib import Path

import pytest

CHECK_LAYERS = Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"


def check(tree, files):
    """Runs the script over a tree of these files; returns its exit code and lines."""
    for name, content in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    done = subprocess.run([CHECK_LAYERS, tree], capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


VIOLATIONS = {
    "upward include": (
        "src/net/prefix.cpp", '#include "rules/rule.h"\n',
        "src/net/prefix.cpp:1: layer net must not include rules/rule.h"),
    "sideways include, with its line": (
        "src/xsk/ring.h", '#pragma once\n\n#include "rules/verdict.h"\n',
        "src/xsk/ring.h:3: layer xsk must not include rules/verdict.h"),
    "xsk knows no packets": (
        "src/xsk/ring.cpp", '#include "net/packet_view.h"\n',
        "src/xsk/ring.cpp:1: layer xsk must not include net/packet_view.h"),
    "util depends on nothing": (
        "src/util/fd.cpp", '#include "net/prefix.h"\n',
        "src/util/fd.cpp:1: layer util must not include net/prefix.h"),
    "engine does not know control": (
        "src/engine/engine.cpp", '#include "control/server.h"\n',
        "src/engine/engine.cpp:1: layer engine must not include control/server.h"),
    "nothing includes app": (
        "src/control/server.cpp", '#include "app/options.h"\n',
        "src/control/server.cpp:1: layer control must not include app/options.h"),
    "ABI in a layer that has no business with it": (
        "src/net/prefix.cpp", '#include "afxfw_abi.h"\n',
        "src/net/prefix.cpp:1: layer net must not include afxfw_abi.h"),
    "skeleton outside xsk": (
        "src/engine/engine.cpp", '#include "afxfw.skel.h"\n',
        "src/engine/engine.cpp:1: layer engine must not include afxfw.skel.h"),
    "include that is not rooted": (
        "src/net/prefix.cpp", '#include "prefix.h"\n',
        'src/net/prefix.cpp:1: "prefix.h" is not rooted at src/: write "layer/file.h", '
        "or <file> for a library"),
    "test code in the library": (
        "src/net/prefix.cpp", '#include "harness/packet.h"\n',
        'src/net/prefix.cpp:1: "harness/packet.h" is not rooted at src/: write "layer/file.h", '
        "or <file> for a library"),
    "file outside the layers": (
        "src/misc/things.cpp", "",
        "src/misc/things.cpp:1: is in no layer; the layers are util, net, rules, pipeline, xsk, "
        "worker, loading, engine, protocol, ctl, control, replay, app"),
    "system call in a pure layer": (
        "src/rules/list.cpp", "#include <unistd.h>\n",
        "src/rules/list.cpp:1: layer rules is pure but includes <unistd.h>"),
    "thread in a pure layer": (
        "src/pipeline/batch.cpp", "#include <thread>\n",
        "src/pipeline/batch.cpp:1: layer pipeline is pure but includes <thread>"),
    "libbpf in a pure layer": (
        "src/net/prefix.cpp", "#include <bpf/libbpf.h>\n",
        "src/net/prefix.cpp:1: layer net is pure but includes <bpf/libbpf.h>"),
    "socket header in a pure layer": (
        "src/net/prefix.cpp", "#include <sys/socket.h>\n",
        "src/net/prefix.cpp:1: layer net is pure but includes <sys/socket.h>"),
    "atomic beside the publisher": (
        "src/rules/rule_set.h", "#pragma once\n#include <atomic>\n",
        "src/rules/rule_set.h:2: layer rules is pure but includes <atomic>"),
    "printf in the library": (
        "src/worker/worker.cpp", 'int f() {\n  return printf("x");\n}\n',
        "src/worker/worker.cpp:2: printf prints; the library does not"),
    "std::cerr in the library": (
        "src/engine/engine.cpp", 'void f() { std::cerr << "x"; }\n',
        "src/engine/engine.cpp:1: std::cerr prints; the library does not"),
    "iostream in the library": (
        "src/xsk/umem.cpp", "#include <iostream>\n",
        "src/xsk/umem.cpp:1: <iostream> is for src/app only"),
    "exit in the library": (
        "src/xsk/umem.cpp", "void f() { std::exit(1); }\n",
        "src/xsk/umem.cpp:1: exit ends the process; the library does not"),
    "signal handler in the library": (
        "src/engine/engine.cpp", "void f() { ::sigaction(2, nullptr, nullptr); }\n",
        "src/engine/engine.cpp:1: sigaction is for main only"),
    "code between digit separators": (
        "src/util/x.cpp", "int f() { return g(1'000, abort(), 2'000); }\n",
        "src/util/x.cpp:1: abort ends the process; the library does not"),
    "header without #pragma once": (
        "src/util/x.h", "int f();\n",
        "src/util/x.h:1: has no #pragma once"),
}


@pytest.mark.parametrize("name, content, expected", VIOLATIONS.values(), ids=VIOLATIONS.keys())
def test_reports_the_one_violation(tmp_path, name, content, expected):
    code, lines = check(tmp_path, {name: content})
    assert lines == [expected, "tools/check_layers.py: 1 files, 1 violations"]
    assert code == 1


def test_reports_a_system_call_reached_through_util(tmp_path):
    code, lines = check(tmp_path, {
        "src/util/fd.h": "#pragma once\n#include <unistd.h>\n",
        "src/util/file.h": '#pragma once\n#include "util/fd.h"\n',
        "src/rules/list.cpp": '#include "util/file.h"\n',
    })
    assert lines[0] == ("src/rules/list.cpp:1: layer rules is pure but includes "
                        "util/file.h -> util/fd.h -> <unistd.h>")
    assert code == 1


def test_reports_every_violation(tmp_path):
    code, lines = check(tmp_path, {
        "src/net/a.cpp": '#include "rules/rule.h"\n#include <poll.h>\n',
        "src/xsk/b.cpp": '#include "worker/worker.h"\n',
    })
    assert [line.rsplit(":", 1)[0] for line in lines[:-1]] == [
        "src/net/a.cpp:1", "src/net/a.cpp:2", "src/xsk/b.cpp:1"]
    assert code == 1


def test_accepts_a_tree_that_keeps_to_the_layers(tmp_path):
    code, lines = check(tmp_path, {
        "src/util/fd.h": "#pragma once\n#include <unistd.h>\n",
        "src/net/prefix.h": "#pragma once\n#include <netinet/in.h>\n",
        "src/rules/publisher.h": '#pragma once\n#include <atomic>\n#include "net/prefix.h"\n',
        "src/rules/policy.h": '#pragma once\n#include "afxfw_abi.h"\n',
        "src/pipeline/batch.h": '#pragma once\n#include "rules/publisher.h"\n',
        "src/xsk/program.cpp": '#include "afxfw.skel.h"\n#include <sys/mman.h>\n',
        "src/worker/worker.cpp": '#include "pipeline/batch.h"\n#include "xsk/umem.h"\n',
        "src/app/main.cpp": '#include "control/server.h"\nint main() { std::exit(printf("")); }\n',
        "src/util/text.cpp": '// printf("x")\n/* exit(1) */\nauto s = "abort()"; char c = \'"\';\n'
                             'auto r = R"(puts("x"))"; int n = snprintf(b, 1, "");\n',
    })
    assert (code, lines) == (0, ["tools/check_layers.py: 9 files, 0 violations"])


def test_an_empty_tree_is_an_error_not_a_pass(tmp_path):
    code, _ = check(tmp_path, {})
    assert code == 1
