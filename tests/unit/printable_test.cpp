#include "util/printable.h"

#include <gtest/gtest.h>

namespace afxfw {
namespace {

TEST(Printable, LeavesPrintableAsciiAlone) {
  EXPECT_EQ(printable("trace one.pcap~"), "trace one.pcap~");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, ShowsEverythingElseAsNumbers) {
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("\xc2\x9b\x7f"), "\\xc2\\x9b\\x7f") << "C1 controls in UTF-8 too";
}

}  // namespace
}  // namespace afxfw
