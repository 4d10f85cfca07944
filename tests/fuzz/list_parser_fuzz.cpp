// Lists come from the internet. Any bytes must parse or be refused, without
// touching memory outside the text, and what was parsed must survive being
// written out and read again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rules/inline_policy.h"
#include "rules/list_parser.h"
#include "rules/prefix_set.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_list(std::string_view text) {
  const auto strict = afxfw::parse_list(text, "input");
  const auto lenient = afxfw::parse_list(text, "input", {.skip_bad_lines = true});
  require(lenient.has_value());
  if (strict) {
    require(lenient->skipped.empty());
    require(strict->prefixes == lenient->prefixes);
  } else {
    require(!strict.error().empty());
    require(strict.error().total() == lenient->skipped.total());
    require(!to_string(strict.error()).empty());
  }

  std::string written;
  for (const afxfw::Prefix& prefix : lenient->prefixes) written += to_string(prefix) + "\n";
  const auto again = afxfw::parse_list(written, "written");
  require(again.has_value() && again->prefixes == lenient->prefixes && again->host_bits_lines == 0);

  const auto ipv4 = afxfw::Ipv4PrefixSet::build(lenient->prefixes);
  const auto ipv6 = afxfw::Ipv6PrefixSet::build(lenient->prefixes);
  require(ipv4.entries() + ipv6.entries() == lenient->prefixes.size());
  for (const afxfw::Prefix& prefix : lenient->prefixes) {
    if (prefix.family() == afxfw::Family::kIpv4) {
      require(ipv4.contains(static_cast<afxfw::Ipv4Bits>(prefix.first())));
      require(ipv4.contains(static_cast<afxfw::Ipv4Bits>(prefix.last())));
    } else {
      require(ipv6.contains(prefix.first()));
      require(ipv6.contains(prefix.last()));
    }
  }
}

void check_policy(std::string_view text) {
  const auto policy = afxfw::parse_inline_policy(text);
  if (!policy) return require(!to_string(policy.error()).empty());
  const std::string normalised = afxfw::to_string(*policy);
  const auto again = afxfw::parse_inline_policy(normalised);
  require(again.has_value() && afxfw::to_string(*again) == normalised);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_list(text);
  check_policy(text.substr(0, text.find('\n')));
  return 0;
}
