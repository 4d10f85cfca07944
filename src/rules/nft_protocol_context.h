#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rules/nft_ast.h"

namespace afxfw::nft {

/// What the matches of a rule so far have fixed about the packet's protocols.
/// nftables refuses a rule in which "tcp dport" comes after "udp sport", or
/// "ip6 saddr" after "ip saddr": it could never match.
class ProtocolContext {
 public:
  /// Returns why the match cannot follow those before, or "".
  [[nodiscard]] std::string add(const Match& match);

 private:
  /// What is known of one layer.
  struct Layer {
    enum class State : std::uint8_t { kUnknown, kOne, kSeveral };
    State state = State::kUnknown;
    Value value = 0;

    /// The layer has to be `wanted`. False if it cannot.
    bool require(Value wanted) noexcept;
    /// A match on the layer's own number.
    void learn(const Match& match) noexcept;
  };

  Layer link_;       // EtherType of the frame
  Layer network_;    // EtherType behind the tags
  Layer transport_;  // upper protocol
};

}  // namespace afxfw::nft
