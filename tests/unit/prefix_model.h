#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <vector>

#include "net/address.h"
#include "net/prefix.h"

namespace afxfw {

template <typename Bits>
inline constexpr unsigned kBits = sizeof(Bits) * 8;

// A prefix as the tests see it, apart from Prefix: bits beyond the length are
// noise that membership must not depend on.
template <typename Bits>
struct Network {
  Bits address;
  unsigned length;

  // What an address has in common with the network, shifted down; the two-step
  // shift is for length 0.
  static Bits key(Bits address, unsigned length) {
    return length == 0 ? Bits{0} : static_cast<Bits>(address >> (kBits<Bits> - length));
  }
  bool contains(Bits other) const { return key(other, length) == key(address, length); }
  Bits first() const {
    return length == 0 ? Bits{0}
                       : static_cast<Bits>(key(address, length) << (kBits<Bits> - length));
  }
  Bits last() const {
    return length == 0 ? static_cast<Bits>(~Bits{0})
                       : static_cast<Bits>(first() + ((Bits{1} << (kBits<Bits> - length)) - 1));
  }
};

template <typename Bits>
Prefix to_prefix(const Network<Bits>& network) {
  if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
    return Prefix::ipv4(network.address, network.length);
  } else {
    return Prefix::ipv6(network.address, network.length);
  }
}

// The naive model, quick enough for a million networks: an address is inside if
// its leading bits are among the networks of some length.
template <typename Bits>
class Model {
 public:
  explicit Model(const std::vector<Network<Bits>>& networks) : keys_(kBits<Bits> + 1) {
    for (const auto& network : networks) {
      keys_[network.length].push_back(Network<Bits>::key(network.address, network.length));
    }
    for (auto& keys : keys_) std::sort(keys.begin(), keys.end());
  }
  bool contains(Bits address) const {
    for (unsigned length = 0; length <= kBits<Bits>; ++length) {
      const auto& keys = keys_[length];
      if (keys.empty()) continue;
      if (std::binary_search(keys.begin(), keys.end(), Network<Bits>::key(address, length))) {
        return true;
      }
    }
    return false;
  }

 private:
  std::vector<std::vector<Bits>> keys_;
};

template <typename Bits>
std::string address_text(Bits address) {
  if constexpr (std::is_same_v<Bits, Ipv4Bits>) {
    return format_ipv4(address);
  } else {
    return format_ipv6(address);
  }
}

}  // namespace afxfw
