#include "rules/inline_policy.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "net/protocol_name.h"

namespace afxfw {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr unsigned kPorts = 65536;

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<unsigned> number_up_to(std::string_view text, unsigned highest) noexcept {
  unsigned value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value > highest) return std::nullopt;
  return value;
}

std::optional<std::uint8_t> read_protocol(std::string_view text) noexcept {
  if (const auto named = protocol_number(text)) return named;
  const auto number = number_up_to(text, 255);
  return number ? std::optional(static_cast<std::uint8_t>(*number)) : std::nullopt;
}

bool test_port(const __u64 (&words)[AFXFW_PORT_WORDS], unsigned port) noexcept {
  return (words[port >> 6] >> (port & 63) & 1) != 0;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view source) : text_(text), source_(source) {
    policy_.fallback = AFXFW_FALLBACK_PASS;
  }

  tl::expected<afxfw_inline_policy, TextErrors> parse() {
    std::size_t items = 0;
    bool none = false;
    for (std::size_t start = 0; start <= text_.size(); ++items) {
      const std::size_t end = std::min(text_.find(',', start), text_.size());
      const std::string_view item = trimmed(text_.substr(start, end - start));
      if (same_word(item, "none")) {
        none = true;
      } else {
        parse_item(item);
      }
      start = end + 1;
    }
    if (none && items > 1) fail(text_, "'none' stands alone");
    if (!errors_.empty()) return tl::unexpected(std::move(errors_));
    forget_covered_ports();
    return policy_;
  }

 private:
  // Stays within the text, also when nothing is left, so that a column can be told.
  static std::string_view trimmed(std::string_view text) noexcept {
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
  }

  // token: a part of text_.
  void fail(std::string_view token, std::string_view what) {
    errors_.add({.source = std::string(source_),
                 .line = 0,
                 .column = static_cast<std::size_t>(token.data() - text_.data()) + 1,
                 .text = std::string(token),
                 .what = std::string(what)});
  }

  void parse_item(std::string_view item) {
    if (item.empty()) return fail(item, "a protocol is missing; 'none' drops nothing");
    const std::size_t slash = item.find('/');
    const std::string_view name = trimmed(item.substr(0, slash));
    const auto protocol = read_protocol(name);
    if (!protocol) {
      return fail(name,
                  "unknown protocol; known are tcp, udp, icmp, icmpv6, igmp, gre, esp, ah, sctp "
                  "and numbers up to 255");
    }
    if (slash == std::string_view::npos) {
      policy_.drop_protocol[*protocol] = 1;
      return;
    }
    if (*protocol != IPPROTO_TCP && *protocol != IPPROTO_UDP) {
      return fail(item, "only tcp and udp have ports");
    }
    parse_ports(*protocol, trimmed(item.substr(slash + 1)));
  }

  void parse_ports(std::uint8_t protocol, std::string_view text) {
    if (text.empty()) return fail(text, "a port is missing after '/'");
    const std::size_t dash = text.find('-');
    const auto low = parse_port(trimmed(text.substr(0, dash)));
    const auto high =
        dash == std::string_view::npos ? low : parse_port(trimmed(text.substr(dash + 1)));
    if (!low || !high) return;
    if (*low > *high) return fail(text, "the range's first port is above its last");

    const bool tcp = protocol == IPPROTO_TCP;
    __u64(&words)[AFXFW_PORT_WORDS] = tcp ? policy_.drop_tcp_port : policy_.drop_udp_port;
    (tcp ? policy_.any_tcp_port : policy_.any_udp_port) = 1;
    for (unsigned port = *low; port <= *high; ++port) words[port >> 6] |= __u64{1} << (port & 63);
  }

  std::optional<unsigned> parse_port(std::string_view text) {
    const auto port = number_up_to(text, kPorts - 1);
    if (!port) fail(text, "not a port; a port is a number up to 65535, a range is LOW-HIGH");
    return port;
  }

  // "udp,udp/53": the port says nothing new.
  void forget_covered_ports() noexcept {
    if (policy_.drop_protocol[IPPROTO_TCP] != 0) {
      std::memset(policy_.drop_tcp_port, 0, sizeof(policy_.drop_tcp_port));
      policy_.any_tcp_port = 0;
    }
    if (policy_.drop_protocol[IPPROTO_UDP] != 0) {
      std::memset(policy_.drop_udp_port, 0, sizeof(policy_.drop_udp_port));
      policy_.any_udp_port = 0;
    }
  }

  std::string_view text_;
  std::string_view source_;
  afxfw_inline_policy policy_ = {};
  TextErrors errors_;
};

void append_ports(std::vector<std::string>& items, const std::string& protocol,
                  const __u64 (&words)[AFXFW_PORT_WORDS]) {
  for (unsigned port = 0; port < kPorts; ++port) {
    if (!test_port(words, port)) continue;
    const unsigned low = port;
    while (port + 1 < kPorts && test_port(words, port + 1)) ++port;
    std::string item = protocol + '/' + std::to_string(low);
    if (port > low) item += '-' + std::to_string(port);
    items.push_back(std::move(item));
  }
}

}  // namespace

tl::expected<afxfw_inline_policy, TextErrors> parse_inline_policy(std::string_view text,
                                                                  std::string_view source) {
  return Parser(text, source).parse();
}

std::string to_string(const afxfw_inline_policy& policy) {
  std::vector<std::string> items;
  for (unsigned number = 0; number < std::size(policy.drop_protocol); ++number) {
    if (policy.drop_protocol[number] != 0)
      items.push_back(protocol_name(static_cast<std::uint16_t>(number)));
  }
  append_ports(items, "tcp", policy.drop_tcp_port);
  append_ports(items, "udp", policy.drop_udp_port);
  if (items.empty()) return "none";
  std::string text;
  for (const std::string& item : items) {
    if (!text.empty()) text += ',';
    text += item;
  }
  return text;
}

}  // namespace afxfw
