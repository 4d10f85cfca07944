#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/nft_ast.h"
#include "rules/run_time_list.h"

namespace afxfw {

/// One element to add or delete, as a user named it.
struct NamedElement {
  std::vector<nft::Interval> key;
  std::optional<std::uint64_t> timeout_s{};
  std::string comment{};
};

/// Reads elements as nftables writes them, "192.0.2.1 . 80 timeout 1h", one in each
/// text. The error says what is wrong with which of them, as seen from this set.
[[nodiscard]] tl::expected<std::vector<NamedElement>, std::string> parse_elements_of(
    const nft::Set& set, const std::vector<std::string>& texts);

/// "ipv4_addr . inet_service"
[[nodiscard]] std::string type_text(const nft::Set& set);

/// What was added to a set of the rules and deleted from it at run time, on top of
/// what the rule file and the set's lists say. Elements are told apart by their whole
/// key, as nftables does.
class RunTimeSet {
 public:
  struct Order {
    bool operator()(const std::vector<nft::Interval>& a,
                    const std::vector<nft::Interval>& b) const noexcept;
  };
  struct Entry {
    bool added = true;  ///< or else deleted
    RunTimeNote note{};
  };

  RunTimeSet() = default;
  /// type: of the set, as type_text() writes it. To another set that has its name by
  /// then, nothing is done.
  explicit RunTimeSet(std::string type) : type_(std::move(type)) {}

  void add(const std::vector<nft::Interval>& key, RunTimeNote note);
  void remove(const std::vector<nft::Interval>& key);
  /// Takes back what was said about the element.
  void forget(const std::vector<nft::Interval>& key) { entries_.erase(key); }
  /// Takes back all changes; the files' elements stay away until files_read_again().
  void flush();
  void files_read_again() noexcept { flushed_ = false; }
  /// Drops what is over by now_ms, and returns it.
  std::vector<std::vector<nft::Interval>> expire(std::uint64_t now_ms);
  [[nodiscard]] std::optional<std::uint64_t> next_expiry_ms() const noexcept;

  /// Makes a set and its lists' prefixes what they are with these changes.
  void apply_to(nft::Set& set, std::vector<Prefix>& prefixes) const;

  [[nodiscard]] const std::map<std::vector<nft::Interval>, Entry, Order>& entries() const noexcept {
    return entries_;
  }
  [[nodiscard]] const std::string& type() const noexcept { return type_; }
  [[nodiscard]] bool flushed() const noexcept { return flushed_; }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty() && !flushed_; }

 private:
  std::map<std::vector<nft::Interval>, Entry, Order> entries_;
  std::string type_;
  bool flushed_ = false;
};

}  // namespace afxfw
