#include "fib_table.h"

namespace afxfw {

template <typename Bits>
bool FibTable<Bits>::available() {
  return false;
}

template <typename Bits>
std::unique_ptr<FibTable<Bits>> FibTable<Bits>::build(std::span<const Prefix>) {
  return nullptr;
}

template class FibTable<Ipv4Bits>;
template class FibTable<Ipv6Bits>;

}  // namespace afxfw
