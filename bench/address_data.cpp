#include "address_data.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <type_traits>

namespace afxfw {
namespace {

template <typename Bits>
constexpr bool kIsIpv4 = std::is_same_v<Bits, Ipv4Bits>;

// In percent, by length.
template <typename Bits>
std::vector<double> length_weights() {
  std::vector<double> weights(8 * sizeof(Bits) + 1);
  const auto set = [&](unsigned length, std::initializer_list<double> from) {
    std::copy(from.begin(), from.end(), weights.begin() + length);
  };
  if constexpr (kIsIpv4<Bits>) {
    set(8, {0.0004, 0.0008, 0.0016, 0.003, 0.006, 0.0125, 0.025, 0.05});
    set(16, {1.2, 1, 1.5, 2.3, 3.5, 3.5, 6.5, 5.5});
    set(24, {45, 0.5, 0.5, 0.5, 1, 1, 1, 0.5, 25});
  } else {
    set(32, {12, 1, 1, 1, 3, 0.5, 0.5, 0.5, 5, 0.5, 1, 0.5, 5, 1, 2, 1.5});
    set(48, {45, 0, 0, 0, 1, 0, 0, 0, 4});
    set(60, {1, 0, 0, 0, 9});
    set(128, {5});
  }
  return weights;
}

template <typename Bits>
Bits random_bits(std::mt19937_64& random) {
  if constexpr (kIsIpv4<Bits>) {
    return static_cast<Bits>(random() >> 32);
  } else {
    const std::uint64_t upper = random();
    return Bits{upper} << 64 | random();
  }
}

template <typename Bits>
Bits random_in_use(std::mt19937_64& random) {
  if constexpr (kIsIpv4<Bits>) {
    const auto leading = static_cast<Bits>(1 + random() % 223);
    return leading << 24 | random_bits<Bits>(random) >> 8;
  } else {
    return Bits{1} << 125 | random_bits<Bits>(random) >> 3;
  }
}

// Ranks, from 0, as often as 1 / (rank + 1).
class Zipf {
 public:
  explicit Zipf(std::size_t ranks) {
    double sum = 0;
    for (std::size_t rank = 1; rank <= ranks; ++rank) {
      sum += 1.0 / static_cast<double>(rank);
      up_to_.push_back(sum);
    }
  }
  std::size_t operator()(std::mt19937_64& random) const {
    const double at = std::uniform_real_distribution<double>(0, up_to_.back())(random);
    const auto found = std::lower_bound(up_to_.begin(), up_to_.end(), at);
    return static_cast<std::size_t>(found - up_to_.begin());
  }

 private:
  std::vector<double> up_to_;
};

}  // namespace

template <typename Bits>
std::vector<Prefix> mixed_prefixes(std::size_t count) {
  std::mt19937_64 random(1);
  const std::vector<double> weights = length_weights<Bits>();
  std::discrete_distribution<unsigned> length(weights.begin(), weights.end());
  constexpr unsigned kOwnBits = kIsIpv4<Bits> ? 16 : 96;  // below a neighbour's
  std::vector<Prefix> prefixes;
  prefixes.reserve(count);
  while (prefixes.size() < count) {
    Bits address = random_in_use<Bits>(random);
    if (!prefixes.empty() && random() % 2 == 0) {
      const Prefix& neighbour = prefixes[random() % prefixes.size()];
      const Bits own = address & ((Bits{1} << kOwnBits) - 1);
      address = (static_cast<Bits>(neighbour.first()) >> kOwnBits << kOwnBits) | own;
    }
    if constexpr (kIsIpv4<Bits>) {
      prefixes.push_back(Prefix::ipv4(address, length(random)));
    } else {
      prefixes.push_back(Prefix::ipv6(address, length(random)));
    }
  }
  return prefixes;
}

template <typename Bits>
std::vector<Bits> queries(const std::vector<Prefix>& prefixes, Stream stream, std::size_t count) {
  std::mt19937_64 random(2);
  const Zipf zipf(stream == Stream::kZipf ? prefixes.size() : 1);
  std::vector<Bits> addresses(count);
  for (Bits& address : addresses) {
    if (stream == Stream::kUniform) {
      address = kIsIpv4<Bits> ? random_bits<Bits>(random) : random_in_use<Bits>(random);
      continue;
    }
    const std::size_t rank = stream == Stream::kZipf ? zipf(random) : random() % prefixes.size();
    const Prefix& prefix = prefixes[rank];
    const auto hosts = static_cast<Bits>(prefix.first() ^ prefix.last());
    address = static_cast<Bits>(prefix.first()) | (random_bits<Bits>(random) & hosts);
  }
  return addresses;
}

template std::vector<Prefix> mixed_prefixes<Ipv4Bits>(std::size_t count);
template std::vector<Prefix> mixed_prefixes<Ipv6Bits>(std::size_t count);
template std::vector<Ipv4Bits> queries(const std::vector<Prefix>& prefixes, Stream stream,
                                       std::size_t count);
template std::vector<Ipv6Bits> queries(const std::vector<Prefix>& prefixes, Stream stream,
                                       std::size_t count);

}  // namespace afxfw
