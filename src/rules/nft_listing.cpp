#include "rules/nft_listing.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>
#include <variant>

namespace afxfw::nft {
namespace {

std::string format_time(std::uint64_t seconds) {
  constexpr std::array<std::pair<std::uint64_t, char>, 4> kUnits = {
      {{86'400, 'd'}, {3'600, 'h'}, {60, 'm'}, {1, 's'}}};
  std::string text;
  for (const auto& [size, unit] : kUnits) {
    if (seconds / size != 0) text += fmt::format("{}{}", seconds / size, unit);
    seconds %= size;
  }
  return text;
}

std::string_view operator_of(Comparison comparison) noexcept {
  switch (comparison) {
    case Comparison::kEqual:
    case Comparison::kAnyBit:
      return "";
    case Comparison::kNotEqual:
      return "!= ";
    case Comparison::kLess:
      return "< ";
    case Comparison::kLessOrEqual:
      return "<= ";
    case Comparison::kGreater:
      return "> ";
    case Comparison::kGreaterOrEqual:
      return ">= ";
    case Comparison::kNoBit:
      return "! ";
  }
  return "";
}

template <typename TypeOfPart, typename BitsOfPart>
std::string format_key(const Element& element, TypeOfPart type_of, BitsOfPart bits_of) {
  std::string text;
  for (std::size_t i = 0; i < element.key.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : " . ",
                        format_interval(type_of(i), bits_of(i), element.key[i]));
  }
  return text;
}

std::string format_elements(const Match& match) {
  std::string text;
  for (const Element& element : match.elements) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ",
                        format_key(
                            element, [&](std::size_t i) { return info(match.fields[i]).type; },
                            [&](std::size_t i) { return info(match.fields[i]).bits; }));
  }
  return text;
}

std::string with_counts(const CounterStatement& counter) {
  return fmt::format("counter packets {} bytes {}", counter.packets, counter.bytes);
}

std::string to_text(const CounterStatement& counter) {
  return counter.packets == 0 && counter.bytes == 0 ? "counter" : with_counts(counter);
}

std::string to_text(const LimitStatement& limit) {
  const std::string_view unit = limit.unit_s == 1        ? "second"
                                : limit.unit_s == 60     ? "minute"
                                : limit.unit_s == 3600   ? "hour"
                                : limit.unit_s == 86'400 ? "day"
                                                         : "week";
  std::string text = fmt::format("limit rate {}{}{}/{}", limit.over ? "over " : "", limit.rate,
                                 limit.bytes ? " bytes" : "", unit);
  if (!limit.bytes || limit.burst != 0) {
    text += fmt::format(" burst {} {}", limit.burst, limit.bytes ? "bytes" : "packets");
  }
  return text;
}

std::string to_text(const LogStatement& log) {
  return log.prefix.empty() ? "log" : fmt::format("log prefix \"{}\"", log.prefix);
}

std::string to_text(const VerdictStatement& verdict) {
  using Kind = VerdictStatement::Kind;
  switch (verdict.kind) {
    case Kind::kAccept:
      return "accept";
    case Kind::kDrop:
      return "drop";
    case Kind::kJump:
      return "jump " + verdict.chain;
    case Kind::kGoto:
      return "goto " + verdict.chain;
    case Kind::kReturn:
      return "return";
    case Kind::kContinue:
      return "continue";
  }
  return "";
}

std::string format_comment(const std::string& comment) {
  return comment.empty() ? "" : fmt::format(" comment \"{}\"", comment);
}

void list_set(const Set& set, const ListingOptions& options, std::string& text) {
  std::string types;
  for (const SetType* type : set.types) {
    types += fmt::format("{}{}", types.empty() ? "" : " . ", type->name);
  }
  text += fmt::format("\tset {} {{\n\t\ttype {}\n", set.name, types);
  std::string flags;
  const auto flag = [&](bool on, const char* name) {
    if (on) flags += fmt::format("{}{}", flags.empty() ? "" : ",", name);
  };
  flag(set.constant, "constant");
  flag(set.intervals, "interval");
  flag(set.timeouts, "timeout");
  if (!flags.empty()) text += fmt::format("\t\tflags {}\n", flags);
  if (set.timeout_s) text += fmt::format("\t\ttimeout {}\n", format_time(*set.timeout_s));
  if (set.auto_merge) text += "\t\tauto-merge\n";
  if (set.counters) text += "\t\tcounter\n";
  if (!set.comment.empty()) text += fmt::format("\t\tcomment \"{}\"\n", set.comment);
  std::size_t listed = 0;
  for (const Element& element : set.elements) {
    if (listed == options.max_elements) break;
    text += listed++ == 0 ? "\t\telements = { " : ",\n\t\t\t     ";
    text += to_text(set, element);
    if (element.timeout_s) text += " timeout " + format_time(*element.timeout_s);
    if (element.expires_s) text += " expires " + format_time(*element.expires_s);
    text += format_comment(element.comment);
  }
  if (listed != 0) text += " }\n";
  if (listed < set.elements.size()) {
    text += fmt::format("\t\t# and {} more elements\n", set.elements.size() - listed);
  }
  text += "\t}\n";
}

void list_hook(const BaseChain& base, std::string& text) {
  std::string devices;
  for (const std::string& device : base.devices) {
    devices += fmt::format("{}\"{}\"", devices.empty() ? "" : ", ", device);
  }
  text +=
      fmt::format("\t\ttype filter hook ingress {} priority {}; policy {};\n",
                  base.devices.size() == 1 ? "device " + devices : "devices = { " + devices + " }",
                  base.priority, base.drop ? "drop" : "accept");
}

std::string list_statements(const RuleText& rule, bool zero_counts) {
  std::string text;
  for (const Statement& statement : rule.statements) {
    if (!text.empty()) text += ' ';
    const auto* const counter = zero_counts ? std::get_if<CounterStatement>(&statement) : nullptr;
    text += counter != nullptr
                ? with_counts(*counter)
                : std::visit([](const auto& each) { return to_text(each); }, statement);
  }
  return text;
}

void list_chain(const Chain& chain, std::size_t index, const ListingOptions& options,
                std::string& text) {
  text += fmt::format("\tchain {} {{\n", chain.name);
  if (!chain.comment.empty()) text += fmt::format("\t\tcomment \"{}\"\n", chain.comment);
  if (chain.base) list_hook(*chain.base, text);
  for (std::size_t i = 0; i < chain.rules.size(); ++i) {
    const RuleText& rule = chain.rules[i];
    const std::string note = options.rule_note ? options.rule_note(index, i) : "";
    text += fmt::format("\t\t{}{}{}{}\n", list_statements(rule, options.zero_counts),
                        format_comment(rule.comment), note.empty() ? "" : " # ", note);
  }
  text += "\t}\n";
}

}  // namespace

std::string to_text(const Set& set, const Element& element) {
  return format_key(
      element, [&](std::size_t i) { return set.types[i]->type; },
      [&](std::size_t i) { return set.types[i]->bits; });
}

std::string to_text(const Match& match) {
  std::string text;
  for (const Field field : match.fields) {
    text += fmt::format("{}{} {}", text.empty() ? "" : " . ", info(field).header, info(field).name);
  }
  const Type type = info(match.fields.front()).type;
  // Flags by themselves mean "any of these": equality has to be written.
  std::string_view comparison = operator_of(match.comparison);
  const bool flags = type == Type::kTcpFlags && match.fields.size() == 1;
  if (match.comparison == Comparison::kEqual &&
      (match.mask || (flags && !match.braces && match.set_name.empty()))) {
    comparison = "== ";
  }
  if (match.mask) {
    text += flags ? fmt::format(" & ({})", format_value(type, *match.mask))
                  : fmt::format(" & {}",
                                type == Type::kInteger || type == Type::kDscp
                                    ? fmt::format("{:#x}", static_cast<std::uint64_t>(*match.mask))
                                    : format_value(type, *match.mask));
  }
  if (!match.set_name.empty()) return fmt::format("{} {}@{}", text, comparison, match.set_name);
  const std::string elements = format_elements(match);
  return match.braces ? fmt::format("{} {}{{ {} }}", text, comparison, elements)
                      : fmt::format("{} {}{}", text, comparison, elements);
}

std::string to_text(const RuleText& rule) { return list_statements(rule, false); }

std::string to_text(const Table& table, const ListingOptions& options) {
  std::string text = fmt::format("table netdev {} {{\n", table.name);
  if (!table.comment.empty()) text += fmt::format("\tcomment \"{}\"\n", table.comment);
  bool first = true;
  const auto blank_line = [&] {
    if (!std::exchange(first, false)) text += '\n';
  };
  for (const Set& set : table.sets) {
    blank_line();
    list_set(set, options, text);
  }
  for (std::size_t i = 0; i < table.chains.size(); ++i) {
    blank_line();
    list_chain(table.chains[i], i, options, text);
  }
  return text + "}\n";
}

}  // namespace afxfw::nft
