#include "rules/nft_statement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "rules/nft_expression.h"
#include "rules/nft_names.h"

namespace afxfw::nft {
namespace {

using Kind = Token::Kind;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

VerdictStatement parse_verdict(TokenStream& tokens) {
  using Verdicts = VerdictStatement::Kind;
  constexpr std::array<std::pair<std::string_view, Verdicts>, 6> kVerdicts = {
      {{"accept", Verdicts::kAccept},
       {"drop", Verdicts::kDrop},
       {"jump", Verdicts::kJump},
       {"goto", Verdicts::kGoto},
       {"return", Verdicts::kReturn},
       {"continue", Verdicts::kContinue}}};
  const Token word = tokens.take();
  VerdictStatement verdict;
  verdict.place = word.place;
  for (const auto& [name, kind] : kVerdicts) {
    if (word.text == name) verdict.kind = kind;
  }
  if (verdict.kind == Verdicts::kJump || verdict.kind == Verdicts::kGoto) {
    const Token chain = tokens.peek();
    verdict.chain = parse_name(tokens, "the chain's name");
    verdict.place = chain.place;
  }
  return verdict;
}

bool is_verdict(const Token& token) noexcept {
  return token.is("accept") || token.is("drop") || token.is("jump") || token.is("goto") ||
         token.is("return") || token.is("continue");
}

CounterStatement parse_counter(TokenStream& tokens) {
  tokens.take();
  CounterStatement counter;
  if (tokens.take_if("packets")) {
    counter.packets = parse_number(tokens, "a number of packets", kMost);
    tokens.expect("bytes", "after the packets");
    counter.bytes = parse_number(tokens, "a number of bytes", kMost);
  } else if (tokens.peek().is("name")) {
    tokens.fail("afxfw has no named counters; write: counter");
  }
  return counter;
}

/// How many bytes "bytes", "kbytes" and "mbytes" are; 0: none of these.
std::uint64_t byte_unit(std::string_view word) noexcept {
  constexpr std::uint64_t kKilo = 1024;
  if (word == "bytes") return 1;
  if (word == "kbytes") return kKilo;
  if (word == "mbytes") return kKilo * kKilo;
  return 0;
}

constexpr std::uint64_t kMostRate = std::numeric_limits<std::uint32_t>::max();

std::uint64_t time_unit(TokenStream& tokens, const Token& token, std::string_view word) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits = {
      {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86'400}, {"week", 604'800}}};
  for (const auto& [name, seconds] : kUnits) {
    if (word == name) return seconds;
  }
  tokens.fail(token, "expected a rate such as 10/second, 5 mbytes/minute");
}

/// How many nanoseconds' worth of packets or bytes the bucket holds; nftables
/// takes no more than 64 bits of them.
Value bucket_ns(const LimitStatement& limit) noexcept {
  constexpr Value kNsPerSecond = 1'000'000'000;
  const Value unit_ns = limit.unit_s * kNsPerSecond;
  return limit.bytes ? unit_ns * (limit.rate + limit.burst) : unit_ns / limit.rate * limit.burst;
}

LimitStatement parse_limit(TokenStream& tokens) {
  constexpr std::uint64_t kDefaultBurst = 5;  // packets, as nft
  tokens.take();
  if (tokens.peek().is("name")) tokens.fail("afxfw has no named limits; write: limit rate …");
  tokens.expect("rate", "after limit");
  LimitStatement limit;
  limit.over = tokens.take_if("over");
  const Token rate = tokens.peek();
  limit.rate = parse_number(tokens, "a rate from 1 to 4294967295", kMostRate);
  if (limit.rate == 0) tokens.fail(rate, "expected a rate of at least 1");
  const Token unit = tokens.take();
  if (unit.is("/")) {
    const Token time = tokens.expect_text("second, minute, hour, day or week");
    limit.unit_s = time_unit(tokens, time, time.text);
  } else {  // "mbytes/second" is one word
    const std::size_t slash = std::min(unit.text.find('/'), unit.text.size());
    const std::uint64_t bytes = byte_unit(unit.text.substr(0, slash));
    limit.bytes = true;
    limit.unit_s = time_unit(
        tokens, unit,
        bytes == 0 || slash == unit.text.size() ? std::string_view() : unit.text.substr(slash + 1));
    limit.rate *= bytes;
    if (limit.rate > kMostRate) tokens.fail(rate, "expected a rate below 4096 mbytes");
  }
  limit.burst = limit.bytes ? 0 : kDefaultBurst;
  if (tokens.take_if("burst")) {
    const Token burst = tokens.peek();
    limit.burst = parse_number(tokens, "a burst up to 4294967295", kMostRate);
    const Token measure = tokens.expect_text(limit.bytes ? "bytes, kbytes or mbytes" : "packets");
    if (limit.bytes) {
      if (byte_unit(measure.text) == 0) tokens.fail(measure, "expected bytes, kbytes or mbytes");
      limit.burst *= byte_unit(measure.text);
      if (limit.burst > kMostRate) tokens.fail(burst, "expected a burst below 4096 mbytes");
    } else {
      if (measure.text != "packets") tokens.fail(measure, "expected packets");
      if (limit.burst == 0) tokens.fail(burst, "expected a burst of at least 1");
    }
  }
  if (bucket_ns(limit) > kMost) {
    tokens.fail(rate, "with this burst and unit of time the rate is too large to count");
  }
  return limit;
}

LogStatement parse_log(TokenStream& tokens) {
  tokens.take();
  LogStatement log;
  while (tokens.peek().kind == Kind::kWord) {
    if (tokens.take_if("prefix")) {
      const Token prefix = tokens.expect_string("the prefix");
      if (prefix.text.size() > kMaxLogPrefix) {
        tokens.fail(prefix, fmt::format("a prefix has at most {} bytes", kMaxLogPrefix));
      }
      log.prefix = prefix.text;
    } else if (tokens.peek().is("level") || tokens.peek().is("group") ||
               tokens.peek().is("flags") || tokens.peek().is("snaplen") ||
               tokens.peek().is("queue-threshold")) {
      tokens.fail("afxfw logs to its own packet log, where only a prefix can be chosen");
    } else {
      break;
    }
  }
  return log;
}

Statement parse_statement(TokenStream& tokens) {
  const Token token = tokens.peek();
  if (is_verdict(token)) return parse_verdict(tokens);
  if (token.is("counter")) return parse_counter(tokens);
  if (token.is("limit")) return parse_limit(tokens);
  if (token.is("log")) return parse_log(tokens);
  if (token.kind == Kind::kWord && is_header(token.text)) return parse_match(tokens);
  if (token.kind == Kind::kSetName) {
    tokens.fail(
        "a set is compared with a field, as in: ip saddr @name; afxfw has no raw payload "
        "expressions");
  }
  if (token.kind == Kind::kWord) {
    if (const std::string_view why = why_unsupported(token.text); !why.empty()) {
      tokens.fail(why);
    }
  }
  tokens.fail(
      "expected a match such as ip saddr 192.0.2.1, or a statement: accept, drop, counter, "
      "limit, log, jump, goto, return, comment");
}

bool ends_rule(const Statement& statement) noexcept {
  const auto* verdict = std::get_if<VerdictStatement>(&statement);
  return verdict != nullptr && verdict->kind != VerdictStatement::Kind::kContinue;
}

}  // namespace

RuleText parse_rule(TokenStream& tokens) {
  RuleText rule;
  rule.place = tokens.peek().place;
  bool ended = false;
  bool counted = false;
  bool logged = false;
  while (tokens.peek().kind != Kind::kSeparator && tokens.peek().kind != Kind::kEnd) {
    if (tokens.take_if("comment")) {
      rule.comment = parse_comment(tokens);
      break;
    }
    const Token place = tokens.peek();
    if (ended) tokens.fail(place, "nothing but a comment can follow a verdict");
    rule.statements.push_back(parse_statement(tokens));
    const Statement& statement = rule.statements.back();
    if (std::holds_alternative<CounterStatement>(statement) && std::exchange(counted, true)) {
      tokens.fail(place, "a rule of afxfw has one counter");
    }
    if (std::holds_alternative<LogStatement>(statement) && std::exchange(logged, true)) {
      tokens.fail(place, "a rule of afxfw logs once");
    }
    ended = ends_rule(statement);
  }
  if (rule.statements.empty()) tokens.fail("a rule needs a match or a statement");
  return rule;
}

}  // namespace afxfw::nft
