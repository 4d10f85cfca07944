#include "rules/nft_expression.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

Value parse_single(TokenStream& tokens, const KeyPart& part) {
  tokens.expand();
  const Token token = tokens.peek();
  if (token.kind != Kind::kWord && token.kind != Kind::kString) {
    tokens.fail(fmt::format("expected a value{}",
                            token.is("{") ? "; braces make a set, which cannot stand here" : ""));
  }
  const auto value = parse_value(part.type, part.bits, token.text);
  if (!value) tokens.fail(value.error());
  tokens.take();
  return *value;
}

/// Behind the "/" of a prefix.
Interval parse_prefix_length(TokenStream& tokens, const KeyPart& part, Value address) {
  const Token length = tokens.peek();
  const auto bits = static_cast<unsigned>(
      parse_number(tokens, fmt::format("a prefix length up to {}", part.bits), part.bits));
  if (!has_prefixes(part.type)) {
    tokens.fail(length, "only addresses have prefixes; write a range, LOW-HIGH");
  }
  const Value host_mask = bits == part.bits ? Value{0} : largest(part.bits - bits);
  return {address & ~host_mask, address | host_mask};
}

/// "syn", "syn | ack", "syn,ack": the flags, and whether a comma joined them.
struct Flags {
  Value value = 0;
  bool comma = false;
  bool bar = false;
};

Flags parse_flags(TokenStream& tokens, const KeyPart& part, bool comma_joins) {
  Flags flags;
  const bool parenthesis = tokens.take_if("(");
  while (true) {
    flags.value |= parse_single(tokens, part);
    if (tokens.take_if("|")) {
      flags.bar = true;
    } else if (comma_joins && !parenthesis && tokens.take_if(",")) {
      flags.comma = true;
    } else {
      break;
    }
  }
  if (parenthesis) tokens.expect(")", "after the flags");
  return flags;
}

void refuse_option(TokenStream& tokens, const Token& token, bool allowed, const char* needs) {
  if (!allowed) tokens.fail(token, needs);
}

/// What follows an element's key.
void parse_element_options(TokenStream& tokens, const ElementOptions& options, Element& element) {
  while (tokens.peek().kind == Kind::kWord) {
    const Token option = tokens.take();
    if (option.text == "timeout" || option.text == "expires") {
      refuse_option(tokens, option, options.timeouts,
                    "elements of this set cannot time out; give it: flags timeout");
      (option.text == "timeout" ? element.timeout_s : element.expires_s) = parse_time(tokens);
    } else if (option.text == "comment") {
      refuse_option(tokens, option, options.comments, "only elements of a named set have comments");
      element.comment = parse_comment(tokens);
    } else if (option.text == "counter") {
      refuse_option(tokens, option, options.counters,
                    "elements of this set do not count; give it a line: counter");
      element.counter = true;
      if (tokens.take_if("packets")) {
        constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
        static_cast<void>(parse_number(tokens, "a number of packets", kMost));
        tokens.expect("bytes", "after the packets");
        static_cast<void>(parse_number(tokens, "a number of bytes", kMost));
      }
    } else {
      tokens.fail(option, "expected ',' or '}', or an element's timeout, comment or counter");
    }
  }
}

Element parse_element(TokenStream& tokens, const Key& key, const ElementOptions& options) {
  Element element;
  element.place = tokens.peek().place;
  for (const KeyPart& part : key) {
    if (!element.key.empty()) {
      tokens.expect(".", fmt::format("between the {} parts of an element", key.size()));
    }
    const Token first = tokens.peek();
    element.key.push_back(parse_interval(tokens, part));
    if (!options.intervals && element.key.back().low != element.key.back().high) {
      tokens.fail(first, "prefixes and ranges need a set with: flags interval");
    }
  }
  parse_element_options(tokens, options, element);
  return element;
}

/// nesting: how many definitions of elements we are in.
void parse_element_list(TokenStream& tokens, const Key& key, const ElementOptions& options,
                        std::size_t nesting, std::vector<Element>& elements) {
  constexpr std::size_t kMaxNesting = 64;
  if (nesting > kMaxNesting) {
    tokens.fail(fmt::format("definitions are within each other more than {} deep", kMaxNesting));
  }
  tokens.expect("{", "before the elements");
  do {
    tokens.skip_lines();
    if (tokens.peek().is("}")) break;
    const bool variable = tokens.peek().kind == Kind::kVariable;
    tokens.expand();
    if (variable && tokens.peek().is("{")) {
      parse_element_list(tokens, key, options, nesting + 1, elements);
    } else {
      elements.push_back(parse_element(tokens, key, options));
    }
    tokens.skip_lines();
  } while (tokens.take_if(","));
  tokens.expect("}", "or ',' after an element");
}

std::optional<Comparison> parse_comparison(TokenStream& tokens) {
  constexpr std::array<std::pair<std::string_view, Comparison>, 13> kComparisons = {{
      {"==", Comparison::kEqual},
      {"eq", Comparison::kEqual},
      {"!=", Comparison::kNotEqual},
      {"ne", Comparison::kNotEqual},
      {"<", Comparison::kLess},
      {"lt", Comparison::kLess},
      {"<=", Comparison::kLessOrEqual},
      {"le", Comparison::kLessOrEqual},
      {">", Comparison::kGreater},
      {"gt", Comparison::kGreater},
      {">=", Comparison::kGreaterOrEqual},
      {"ge", Comparison::kGreaterOrEqual},
      {"!", Comparison::kNoBit},
  }};
  for (const auto& [text, comparison] : kComparisons) {
    if (tokens.take_if(text)) return comparison;
  }
  return std::nullopt;
}

Field parse_field(TokenStream& tokens) {
  const Token header = tokens.expect_text("a field such as ip saddr");
  if (!is_header(header.text)) tokens.fail(header, "expected a field such as ip saddr");
  const Token name = tokens.expect_text(fmt::format("a field of {}", header.text));
  if (const auto field = find_field(header.text, name.text)) return *field;
  std::string known;
  for (std::size_t i = 0; i < kFieldCount; ++i) {
    const FieldInfo& each = info(static_cast<Field>(i));
    if (each.header == header.text)
      known += fmt::format("{}{}", known.empty() ? "" : ", ", each.name);
  }
  tokens.fail(
      name, fmt::format("afxfw does not know this field of {}; it knows: {}", header.text, known));
}

bool is_relational(Comparison comparison) noexcept {
  return comparison == Comparison::kLess || comparison == Comparison::kLessOrEqual ||
         comparison == Comparison::kGreater || comparison == Comparison::kGreaterOrEqual;
}

/// What flags are compared with, when it is no set.
void parse_flags_operand(TokenStream& tokens, const KeyPart& part, bool operator_given,
                         Match& match) {
  const Token place = tokens.peek();
  const Flags flags = parse_flags(tokens, part, !match.mask);
  if (!match.mask && tokens.take_if("/")) {
    match.mask = parse_flags(tokens, part, true).value;
    match.elements.push_back({{{flags.value, flags.value}}});
    return;
  }
  if (match.mask || is_relational(match.comparison) || match.comparison == Comparison::kNoBit) {
    // As written.
  } else if (!operator_given) {
    match.comparison = Comparison::kAnyBit;
  } else if (flags.comma) {
    tokens.fail(place, "join flags that are compared as one by '|'");
  }
  if (tokens.peek().is("-")) tokens.fail("flags have no ranges; list them in braces");
  match.elements.push_back({{{flags.value, flags.value}}});
}

void parse_operand(TokenStream& tokens, bool operator_given, Match& match) {
  Key key;
  for (const Field field : match.fields) key.push_back({info(field).type, info(field).bits});
  const Token place = tokens.peek();
  const bool allows_sets =
      !is_relational(match.comparison) && match.comparison != Comparison::kNoBit;
  if (place.kind == Kind::kSetName) {
    if (!allows_sets || match.mask) tokens.fail("a set can only be compared by == or !=");
    match.set_name = tokens.take().text;
    return;
  }
  tokens.expand();
  if (tokens.peek().is("{")) {
    if (!allows_sets) tokens.fail("a set can only be compared by == or !=");
    if (match.mask) tokens.fail("afxfw compares masked values with one value only");
    match.braces = true;
    match.elements = parse_elements(tokens, key, {.intervals = true});
    if (match.elements.empty()) tokens.fail(place, "a set without elements matches nothing");
    return;
  }
  if (key.size() > 1) tokens.fail(place, "compare a concatenation with a set: { A . B } or @name");
  if (key.front().type == Type::kTcpFlags) {
    return parse_flags_operand(tokens, key.front(), operator_given, match);
  }
  if (match.comparison == Comparison::kNoBit) tokens.fail(place, "only flags have '!'");
  const Interval interval = parse_interval(tokens, key.front());
  if (interval.low != interval.high && (match.mask || is_relational(match.comparison))) {
    tokens.fail(place, "only a single value can stand here");
  }
  match.elements.push_back({{interval}});
}

Value parse_mask(TokenStream& tokens, const Match& match) {
  if (match.fields.size() > 1) tokens.fail("a concatenation has no mask");
  if (match.fields.front() == Field::kIp6Dscp) {
    tokens.fail(
        "nft (1.0.6) looks for a mask of ip6 dscp in the wrong bits; list the values in braces");
  }
  const FieldInfo& field = info(match.fields.front());
  const KeyPart part{field.type, field.bits};
  const bool variable = tokens.peek().kind == Kind::kVariable;
  tokens.expand();
  const bool parenthesis = tokens.peek().is("(");
  const Token place = tokens.peek();
  const Flags flags = parse_flags(tokens, part, false);
  if (flags.bar && !parenthesis && !variable) {
    tokens.fail(place, "put parentheses around values that are joined by '|'");
  }
  return flags.value;
}

}  // namespace

std::uint64_t parse_number(TokenStream& tokens, std::string_view what, std::uint64_t most) {
  const Token token = tokens.peek();
  const auto number = parse_value(Type::kInteger, 64, token.text);
  if (token.kind != Kind::kWord || !number || *number > most) {
    tokens.fail(fmt::format("expected {}", what));
  }
  tokens.take();
  return static_cast<std::uint64_t>(*number);
}

std::uint64_t parse_time(TokenStream& tokens) {
  constexpr std::array<std::pair<char, std::uint64_t>, 4> kUnits = {
      {{'d', 86'400}, {'h', 3'600}, {'m', 60}, {'s', 1}}};
  constexpr std::uint64_t kMost = std::uint64_t{1} << 32;  // 136 years
  const Token place = tokens.expect_text("a time such as 30s or 1h30m");
  const std::string_view text = place.text;
  std::uint64_t seconds = 0;
  std::size_t next_unit = 0;  // units come from the largest to the smallest
  const char* position = text.data();
  const char* const end = position + text.size();
  while (position != end) {
    std::uint32_t number = 0;
    const auto [after, error] = std::from_chars(position, end, number);
    if (error != std::errc{}) break;
    position = after;
    if (position == end) break;
    const char unit = *position++;
    while (next_unit < kUnits.size() && kUnits[next_unit].first != unit) ++next_unit;
    if (next_unit == kUnits.size()) break;
    seconds += number * kUnits[next_unit++].second;
    if (position == end && seconds > 0 && seconds < kMost) return seconds;
  }
  tokens.fail(place, "expected a time such as 30s or 1h30m, from a second to 136 years");
}

std::string parse_comment(TokenStream& tokens) {
  constexpr std::size_t kMostBytes = 128;
  const Token text = tokens.expect_text("a comment");
  if (text.text.size() > kMostBytes) {
    tokens.fail(text, fmt::format("a comment has at most {} bytes", kMostBytes));
  }
  return std::string(text.text);
}

Interval parse_interval(TokenStream& tokens, const KeyPart& part) {
  tokens.expand();
  if (part.type == Type::kTcpFlags) {
    const Value flags = parse_flags(tokens, part, false).value;
    return {flags, flags};
  }
  const Token first = tokens.peek();
  const Value low = parse_single(tokens, part);
  if (tokens.take_if("/")) return parse_prefix_length(tokens, part, low);
  if (!tokens.take_if("-")) return {low, low};
  const Value high = parse_single(tokens, part);
  if (high < low) tokens.fail(first, "this range ends before it begins");
  return {low, high};
}

std::vector<Element> parse_elements(TokenStream& tokens, const Key& key,
                                    const ElementOptions& options) {
  std::vector<Element> elements;
  tokens.expand();
  parse_element_list(tokens, key, options, 0, elements);
  return elements;
}

Match parse_match(TokenStream& tokens) {
  Match match;
  match.place = tokens.peek().place;
  match.fields.push_back(parse_field(tokens));
  while (tokens.peek().is(".")) {
    const Token dot = tokens.take();
    if (match.fields.size() == kMaxConcatenation) {
      tokens.fail(dot, fmt::format("a concatenation has at most {} parts", kMaxConcatenation));
    }
    match.fields.push_back(parse_field(tokens));
  }
  if (tokens.take_if("&")) match.mask = parse_mask(tokens, match);
  const auto comparison = parse_comparison(tokens);
  match.comparison = comparison.value_or(Comparison::kEqual);
  if (match.mask && !comparison) tokens.fail("expected a comparison such as == after a mask");
  if (match.mask && match.comparison != Comparison::kEqual &&
      match.comparison != Comparison::kNotEqual) {
    tokens.fail("afxfw compares masked values by == and != only");
  }
  parse_operand(tokens, comparison.has_value(), match);
  return match;
}

}  // namespace afxfw::nft
