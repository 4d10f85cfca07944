#include "rules/list_parser.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "util/file.h"

namespace afxfw {
namespace {

using namespace std::string_view_literals;

std::vector<std::string> entries(std::string_view text) {
  const auto list = parse_list(text, "list");
  if (!list) return {to_string(list.error())};
  std::vector<std::string> texts;
  for (const Prefix& prefix : list->prefixes) texts.push_back(to_string(prefix));
  return texts;
}

std::string errors(std::string_view text) {
  const auto list = parse_list(text, "bad.txt");
  return list ? "no error" : to_string(list.error());
}

using Entries = std::vector<std::string>;

TEST(ListParser, ReadsOneEntryALineOfEitherFamily) {
  EXPECT_EQ(entries("192.0.2.1\n2001:db8::/32\n198.51.100.0/24\n"),
            (Entries{"192.0.2.1", "2001:db8::/32", "198.51.100.0/24"}));
}

TEST(ListParser, TheLastLineNeedsNoNewline) {
  EXPECT_EQ(entries("192.0.2.1\n192.0.2.2"), (Entries{"192.0.2.1", "192.0.2.2"}));
}

TEST(ListParser, ReadsDosLineEndings) {
  EXPECT_EQ(entries("192.0.2.1\r\n\r\n192.0.2.2\r\n; x\r\n"), (Entries{"192.0.2.1", "192.0.2.2"}));
}

TEST(ListParser, IgnoresBlanksAroundEntries) {
  EXPECT_EQ(entries("  192.0.2.1\n\t192.0.2.2 \t\n   \n\t\n"), (Entries{"192.0.2.1", "192.0.2.2"}));
}

TEST(ListParser, IgnoresCommentsOnTheirOwnAndAfterEntries) {
  EXPECT_EQ(entries("# a\n; b\n  # c\n192.0.2.1 # d\n192.0.2.2;e\n192.0.2.3#f ; g\n#\n"),
            (Entries{"192.0.2.1", "192.0.2.2", "192.0.2.3"}));
}

TEST(ListParser, IgnoresLongCommentsAndNulBytesInThem) {
  EXPECT_EQ(entries("192.0.2.1 #" + std::string(100'000, 'x') + std::string(1, '\0') + "\n"),
            Entries{"192.0.2.1"});
}

TEST(ListParser, SkipsAByteOrderMarkAtTheStartOnly) {
  EXPECT_EQ(entries("\xef\xbb\xbf"
                    "192.0.2.1\n"),
            Entries{"192.0.2.1"});
  EXPECT_EQ(entries("\xef\xbb\xbf# comment\n192.0.2.1\n"), Entries{"192.0.2.1"});
  EXPECT_EQ(errors("192.0.2.1\n\xef\xbb\xbf"
                   "192.0.2.2\n"),
            "bad.txt:2:1: not an IPv4 or IPv6 address: '\\xef\\xbb\\xbf192.0.2.2'");
}

TEST(ListParser, AnEmptyTextIsAnEmptyList) {
  EXPECT_EQ(entries(""), Entries{});
  EXPECT_EQ(entries("\n\n"), Entries{});
  EXPECT_EQ(entries("\xef\xbb\xbf"), Entries{});
}

TEST(ListParser, CountsLinesWhoseHostBitsItCleared) {
  const auto list = parse_list("198.51.100.7/24\n192.0.2.0/24\n2001:db8::1/64\n", "list");
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->host_bits_lines, 2U);
  EXPECT_EQ(to_string(list->prefixes[0]), "198.51.100.0/24");
}

TEST(ListParser, NamesEveryBadLineWithColumnAndText) {
  EXPECT_EQ(errors("192.0.2.1\nexample.net\n  192.0.300.1\n192.0.2.0/33\n2001:db8:::\n"),
            "bad.txt:2:1: not an IPv4 or IPv6 address: 'example.net'\n"
            "bad.txt:3:9: octet over 255: '192.0.300.1'\n"
            "bad.txt:4:11: prefix length over 32: '192.0.2.0/33'\n"
            "bad.txt:5:1: not an IPv6 address: '2001:db8:::'");
}

TEST(ListParser, RefusesTwoEntriesOnALine) {
  EXPECT_EQ(errors("192.0.2.1 192.0.2.2  # two\n"),
            "bad.txt:1:11: unexpected text after the address; one entry a line: '192.0.2.2'");
  EXPECT_EQ(errors("192.0.2.1\r192.0.2.2\r"),
            "bad.txt:1:11: unexpected text after the address; one entry a line: '192.0.2.2'");
}

TEST(ListParser, RefusesBlanksInsideAnEntry) {
  EXPECT_EQ(errors("192.0.2.0 / 24\n"),
            "bad.txt:1:11: unexpected text after the address; one entry a line: '/ 24'");
}

TEST(ListParser, RefusesNulBytes) {
  EXPECT_EQ(errors("192.0.2.1\0\n192.0.2.2\n"sv),
            "bad.txt:1:10: NUL byte; the file is binary, or text in UTF-16: '192.0.2.1\\x00'");
}

TEST(ListParser, RefusesUtf16) {
  const auto list = parse_list(
      "\xff\xfe"
      "1\0.\0"
      "2\0.\0"
      "3\0.\0"
      "4\0\n\0"sv,
      "list");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().kept().front().line, 1U);
  EXPECT_NE(list.error().kept().front().what.find("UTF-16"), std::string::npos);
}

TEST(ListParser, RefusesOverlongEntries) {
  EXPECT_EQ(errors("192.0.2.1\n" + std::string(1'000'000, '1') + "\n"),
            "bad.txt:2:1: too long for an address or prefix: '" + std::string(60, '1') + "...'");
  // As long as an entry can be.
  const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128";
  EXPECT_EQ(entries(longest), Entries{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"});
}

TEST(ListParser, SkipsAndCountsBadLinesIfTold) {
  const auto list =
      parse_list("192.0.2.1\nfoo\n192.0.2.2\nbar\n", "some.txt", {.skip_bad_lines = true});
  ASSERT_TRUE(list.has_value());
  EXPECT_EQ(list->prefixes.size(), 2U);
  EXPECT_EQ(list->skipped.total(), 2U);
  EXPECT_EQ(to_string(list->skipped, 1),
            "some.txt:2:1: not an IPv4 or IPv6 address: 'foo'\n... and 1 more");
}

TEST(ListParser, CountsMoreBadLinesThanItKeeps) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "bad\n";
  const auto list = parse_list(text, "list");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().total(), 5000U);
}

// A second, slow reader of well-formed lists, made of getline and inet_pton.
struct Entry {
  int family;
  std::array<std::uint8_t, 16> address;
  int length;
};

std::optional<Entry> reference_entry(std::string line) {
  line = line.substr(0, line.find_first_of("#;"));
  std::string address;
  std::istringstream(line) >> address;
  if (address.empty()) return std::nullopt;
  Entry entry = {AF_INET, {}, 32};
  const std::size_t slash = address.find('/');
  if (::inet_pton(AF_INET, address.substr(0, slash).c_str(), entry.address.data()) != 1) {
    entry.family = AF_INET6;
    entry.length = 128;
    EXPECT_EQ(::inet_pton(AF_INET6, address.substr(0, slash).c_str(), entry.address.data()), 1)
        << line;
  }
  if (slash != std::string::npos) entry.length = std::stoi(address.substr(slash + 1));
  return entry;
}

void expect_equal(const Prefix& prefix, const Entry& entry) {
  const std::size_t bytes = entry.family == AF_INET ? 4 : 16;
  ASSERT_EQ(prefix.family(), entry.family == AF_INET ? Family::kIpv4 : Family::kIpv6);
  ASSERT_EQ(prefix.length(), static_cast<unsigned>(entry.length));
  for (std::size_t i = 0; i < bytes; ++i) {
    ASSERT_EQ(static_cast<std::uint8_t>(prefix.first() >> (8 * (bytes - 1 - i))), entry.address[i]);
  }
}

void expect_read_as_by_the_reference(const std::filesystem::path& path) {
  const std::string text = read_file(path.string());
  const auto list = parse_list(text, path.string());
  ASSERT_TRUE(list.has_value()) << to_string(list.error());
  EXPECT_EQ(list->host_bits_lines, 0U);
  std::istringstream lines(text);
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto entry = reference_entry(line);
    if (!entry) continue;
    ASSERT_LT(count, list->prefixes.size());
    ASSERT_NO_FATAL_FAILURE(expect_equal(list->prefixes[count], *entry)) << line;
    ++count;
  }
  EXPECT_EQ(count, list->prefixes.size());
}

std::vector<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() != ".md") files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The excerpts in the tree, a whole list, and more where AFXFW_SHARED_DATA has a
// folder "blocklists".
TEST(ListParser, ReadsPublishedListsAsTheReferenceDoes) {
  auto files = files_in(AFXFW_TEST_DATA "/blocklists");
  ASSERT_EQ(files.size(), 5U);
  files.emplace_back(AFXFW_TEST_DATA "/../../bench/data/ipsum-level1.txt");
  if (const char* shared = std::getenv("AFXFW_SHARED_DATA")) {
    const auto more = files_in(std::filesystem::path(shared) / "blocklists");
    files.insert(files.end(), more.begin(), more.end());
  }
  for (const auto& file : files) {
    SCOPED_TRACE(file);
    expect_read_as_by_the_reference(file);
  }
}

TEST(ListParser, ReadsSpamhausAndFireholFiles) {
  EXPECT_EQ(entries(read_file(AFXFW_TEST_DATA "/blocklists/spamhaus-drop-layout.txt")),
            (Entries{"192.0.2.0/24", "198.51.100.64/26", "203.0.113.0/25", "2001:db8:bad::/48"}));
  EXPECT_EQ(entries(read_file(AFXFW_TEST_DATA "/blocklists/firehol-layout.netset")),
            (Entries{"0.0.0.0/8", "10.0.0.0/8", "192.0.2.1", "192.0.2.128/31", "198.18.0.0/15",
                     "198.51.100.0/25", "203.0.113.7", "240.0.0.0/4"}));
}

}  // namespace
}  // namespace afxfw
