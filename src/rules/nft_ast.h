#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/nft_field.h"
#include "rules/nft_lexer.h"
#include "rules/nft_value.h"

/// What a rule file says, after defines, includes and names of values have been
/// resolved: the tree that is checked, listed and compiled.
namespace afxfw::nft {

/// A concatenation has this many parts at most.
inline constexpr std::size_t kMaxConcatenation = 3;
/// A log prefix has so many bytes at most: it is copied into each record of the packet log.
inline constexpr std::size_t kMaxLogPrefix = 63;

/// One element of a set: an interval for each part of the set's key.
struct Element {
  std::vector<Interval> key;
  std::optional<std::uint64_t> timeout_s{};  ///< until it expires
  std::optional<std::uint64_t> expires_s{};  ///< what of it is left
  bool counter = false;                      ///< written with one
  std::string comment{};
  Place place{};
};

struct Set {
  std::string name;
  std::vector<const SetType*> types;  ///< 1 to kMaxConcatenation
  bool intervals = false;             ///< flags interval
  bool timeouts = false;              ///< flags timeout, or a timeout of its own
  bool constant = false;              ///< flags constant
  bool auto_merge = false;
  bool counters = false;  ///< each element counts what it matched
  std::optional<std::uint64_t> timeout_s{};
  std::string comment{};
  std::vector<Element> elements{};
  Place place{};
};

enum class Comparison : std::uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAnyBit,  ///< of flags: one of those named is set, as "tcp flags syn" means
  kNoBit,   ///< "tcp flags ! syn"
};

/// "ip saddr 192.0.2.0/24", "tcp flags & (syn | ack) == syn",
/// "ip saddr . tcp dport @set": fields, and what they are compared with. Fields
/// that a packet does not have match nothing, not even "!=".
struct Match {
  std::vector<Field> fields;  ///< more than one: a concatenation
  std::optional<Value> mask{};
  Comparison comparison = Comparison::kEqual;
  /// A named set, or else the elements that were written.
  std::string set_name{};
  std::vector<Element> elements{};
  bool braces = false;  ///< written as { … }
  Place place{};
};

struct CounterStatement {
  std::uint64_t packets = 0;  ///< to start from
  std::uint64_t bytes = 0;
};

/// nftables' token bucket. Matches what is within the rate, or with `over` what
/// exceeds it.
struct LimitStatement {
  bool over = false;
  bool bytes = false;  ///< rate and burst count bytes, else packets
  std::uint64_t rate = 0;
  std::uint64_t unit_s = 1;
  std::uint64_t burst = 0;
};

struct LogStatement {
  std::string prefix;
};

struct VerdictStatement {
  enum class Kind : std::uint8_t { kAccept, kDrop, kJump, kGoto, kReturn, kContinue };
  Kind kind = Kind::kAccept;
  std::string chain{};  ///< of kJump and kGoto
  Place place{};
};

using Statement =
    std::variant<Match, CounterStatement, LimitStatement, LogStatement, VerdictStatement>;

struct RuleText {
  std::vector<Statement> statements;  ///< in the order in which they are carried out
  std::string comment{};
  Place place{};
};

/// What makes a chain the one where packets enter.
struct BaseChain {
  std::vector<std::string> devices;
  std::string priority;
  bool drop = false;  ///< the policy
  Place place{};
};

struct Chain {
  std::string name;
  std::optional<BaseChain> base{};
  std::vector<RuleText> rules{};
  std::string comment{};
  Place place{};
};

/// One table. Its places point into files.
struct Table {
  std::string name;
  std::string comment{};
  std::vector<Set> sets{};
  std::vector<Chain> chains{};
  /// Never moved, for the places.
  std::deque<SourceFile> files{};

  [[nodiscard]] const Set* find_set(std::string_view wanted) const noexcept;
  [[nodiscard]] const Chain* find_chain(std::string_view wanted) const noexcept;
  [[nodiscard]] const Chain* base_chain() const noexcept;
};

}  // namespace afxfw::nft
