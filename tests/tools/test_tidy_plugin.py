"""clang-tidy finds the same with and without tools/tidy/own_code_only.cpp, only faster."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
INCLUDE = Path("/usr/lib/llvm-14/include")
CHECKS = ("readability-identifier-naming,modernize-use-nullptr,modernize-use-using,"
          "clang-analyzer-core.*,bugprone-forward-declaration-namespace")

FILES = {
    "system/library.h": """#pragma once
typedef int bad_in_system;
struct library_type { int x; };
namespace library { inline int* bad() { return 0; } template <class T> T* worse() { return 0; } }
""",
    "own.h": """#pragma once
inline int* in_own_header() { return 0; }
""",
    "own.cpp": """#include <library.h>
#include "own.h"
#define DEFINE(name) int* name()
typedef int at_top;
namespace own {
struct library_type;
int* in_namespace() { return library::worse<int>() ? 0 : library::bad(); }
DEFINE(by_own_macro) { return 0; }
int path(bool yes) {
  int* p = nullptr;
  if (yes) p = &*in_namespace();
  return yes ? 0 : *p;
}
}
extern "C" int* in_linkage() { return 0; }
struct Type { int* member() { return 0; } };
template <class T> T* in_template() { return 0; }
int main() { return *in_template<int>() + *Type().member() + own::path(true); }
""",
}
EXPECTED = {
    ("own.h", 2, "modernize-use-nullptr"),
    ("own.cpp", 4, "modernize-use-using"),
    ("own.cpp", 6, "bugprone-forward-declaration-namespace"),
    ("own.cpp", 7, "modernize-use-nullptr"),
    ("own.cpp", 8, "modernize-use-nullptr"),
    ("own.cpp", 12, "clang-analyzer-core.NullDereference"),
    ("own.cpp", 15, "modernize-use-nullptr"),
    ("own.cpp", 16, "modernize-use-nullptr"),
    ("own.cpp", 17, "modernize-use-nullptr"),
}


def tidy(tree, *options):
    """What clang-tidy finds as (file, line, check), and how many it suppressed."""
    done = subprocess.run(
        ["clang-tidy-14", *options, "--header-filter=.*", tree / "own.cpp", "--", "-std=c++20",
         f"-isystem{tree / 'system'}"],
        capture_output=True, text=True)
    found = re.findall(r"/([^/\s]+):(\d+):\d+: warning: .*\[([^\],]+)", done.stdout)
    suppressed = re.search(r"Suppressed (\d+) warnings", done.stderr)
    return ({(file, int(line), check) for file, line, check in found},
            int(suppressed.group(1)) if suppressed else 0)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    if not shutil.which("clang-tidy-14") or not (INCLUDE / "clang-tidy").exists():
        pytest.skip("needs clang-tidy-14 and libclang-14-dev: tools/install-deps all")
    folder = tmp_path_factory.mktemp("tidy")
    for name, content in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture(scope="module")
def plugin(tree):
    library = tree / "plugin.so"
    subprocess.run(["clang++-14", "-std=c++20", "-fno-rtti", "-fPIC", "-shared", "-isystem", INCLUDE,
                    TOP / "tools" / "tidy" / "own_code_only.cpp", "-o", library], check=True)
    return library


def test_finds_the_same_as_without(tree, plugin):
    without, suppressed_without = tidy(tree, f"--checks=-*,{CHECKS}")
    with_plugin, suppressed = tidy(tree, f"--load={plugin}",
                                   f"--checks=-*,{CHECKS},afxfw-own-code-only")
    assert without == EXPECTED
    assert with_plugin == EXPECTED
    assert suppressed < suppressed_without, "it did not look at the library"
