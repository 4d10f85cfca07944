#pragma once

#include <tl/expected.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "net/prefix.h"
#include "rules/nft_ast.h"
#include "rules/rule_program.h"
#include "util/text_error.h"

namespace afxfw {

/// What a rule is to its RuleSet.
struct RuleNumbers {
  std::uint16_t rule = 0;        ///< index into RuleSet::rules()
  std::uint32_t slot = kNoSlot;  ///< of its counter
};

struct CompilerInput {
  /// Numbers of a rule: by its place in the table and in the chain.
  std::function<RuleNumbers(std::size_t chain, std::size_t rule)> numbers;
  /// First slot of the counters of a set's elements, if they count.
  std::function<std::uint32_t(const nft::Set& set)> element_slots;
  /// Prefixes that a set has besides its elements.
  std::function<std::span<const Prefix>(const nft::Set& set)> prefixes;
  /// Elements whose time is over, in seconds since they were loaded, are left out.
  std::uint64_t age_s = 0;
};

/// Compiles a table that parse_rules() returned. Pure; takes as long as its sets
/// and classifiers take to build.
[[nodiscard]] tl::expected<RuleProgram, TextErrors> compile_rules(const nft::Table& table,
                                                                  const CompilerInput& input);

/// When an element expires, in seconds from when it was loaded; nothing: never.
[[nodiscard]] std::optional<std::uint64_t> expiry_s(const nft::Set& set,
                                                    const nft::Element& element) noexcept;

}  // namespace afxfw
