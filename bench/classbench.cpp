#include "classbench.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>

namespace afxfw {
namespace {

constexpr std::uint16_t kMaxProtocol = 255;

struct Octets {
  unsigned a, b, c, d, length;

  [[nodiscard]] std::uint32_t host_bits() const {
    return length == 0 ? ~0U : ~(~0U << (32 - length));
  }
  [[nodiscard]] std::uint32_t low() const {
    return (a << 24 | b << 16 | c << 8 | d) & ~host_bits();
  }
  [[nodiscard]] std::uint32_t high() const { return low() | host_bits(); }
};

// False for a line that is no rule.
bool parse(const std::string& line, Box& box) {
  Octets source;
  Octets destination;
  unsigned protocol = 0;
  unsigned mask = 0;
  const int fields =
      std::sscanf(line.c_str(), "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %hu : %hu %hu : %hu %x/%x",
                  &source.a, &source.b, &source.c, &source.d, &source.length, &destination.a,
                  &destination.b, &destination.c, &destination.d, &destination.length,
                  &box.source_port_low, &box.source_port_high, &box.destination_port_low,
                  &box.destination_port_high, &protocol, &mask);
  if (fields != 16 || source.length > 32 || destination.length > 32) return false;
  box.source_low = source.low();
  box.source_high = source.high();
  box.destination_low = destination.low();
  box.destination_high = destination.high();
  box.protocol_low = mask == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(protocol);
  box.protocol_high = mask == 0 ? kMaxProtocol : static_cast<std::uint16_t>(protocol);
  return true;
}

}  // namespace

std::vector<Box> read_classbench(const std::filesystem::path& file) {
  std::ifstream input(file);
  std::vector<Box> boxes;
  for (std::string line; std::getline(input, line);) {
    Box box;
    if (!parse(line, box)) continue;
    box.rule = static_cast<std::uint32_t>(boxes.size());
    boxes.push_back(box);
  }
  if (boxes.empty()) throw std::runtime_error("no ClassBench rules in " + file.string());
  return boxes;
}

std::vector<BoxKey> headers_inside(const std::vector<Box>& boxes, std::size_t count) {
  std::mt19937_64 random(1);
  const auto inside = [&]<typename Coordinate>(Coordinate low, Coordinate high) {
    return static_cast<Coordinate>(low + random() % (std::uint64_t{high} - low + 1));
  };
  std::vector<BoxKey> keys(count);
  for (BoxKey& key : keys) {
    const Box& box = boxes[random() % boxes.size()];
    key = {inside(box.source_low, box.source_high),
           inside(box.destination_low, box.destination_high),
           inside(box.source_port_low, box.source_port_high),
           inside(box.destination_port_low, box.destination_port_high),
           inside(box.protocol_low, box.protocol_high)};
  }
  return keys;
}

}  // namespace afxfw
