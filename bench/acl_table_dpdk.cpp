#include <arpa/inet.h>
#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_malloc.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>

#include "acl_table.h"

namespace afxfw {
namespace {

// rte_acl wants one byte first and the other fields in groups of four.
struct Header {
  std::uint8_t protocol;
  std::array<std::uint8_t, 3> padding;
  std::uint32_t source_be;
  std::uint32_t destination_be;
  std::uint16_t source_port_be;
  std::uint16_t destination_port_be;
};

enum Field {
  kProtocolField,
  kSourceField,
  kDestinationField,
  kSourcePortField,
  kDestinationPortField,
  kFields
};

RTE_ACL_RULE_DEF(AclRule, kFields);

constexpr std::array<rte_acl_field_def, kFields> kDefinition = {{
    {RTE_ACL_FIELD_TYPE_BITMASK, 1, kProtocolField, 0, offsetof(Header, protocol)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, kSourceField, 1, offsetof(Header, source_be)},
    {RTE_ACL_FIELD_TYPE_MASK, 4, kDestinationField, 2, offsetof(Header, destination_be)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, kSourcePortField, 3, offsetof(Header, source_port_be)},
    {RTE_ACL_FIELD_TYPE_RANGE, 2, kDestinationPortField, 3, offsetof(Header, destination_port_be)},
}};

// The boxes are prefixes, as they came from ClassBench.
std::uint32_t prefix_length(std::uint32_t low, std::uint32_t high) {
  return static_cast<std::uint32_t>(std::countl_zero(low ^ high));
}

AclRule to_rule(const Box& box, std::size_t rules) {
  AclRule rule = {};
  rule.data.category_mask = 1;
  rule.data.priority = static_cast<std::int32_t>(rules - box.rule);
  rule.data.userdata = box.rule + 1;
  const bool any_protocol = box.protocol_low != box.protocol_high;
  rule.field[kProtocolField].value.u8 = static_cast<std::uint8_t>(box.protocol_low);
  rule.field[kProtocolField].mask_range.u8 = any_protocol ? 0 : 0xff;
  rule.field[kSourceField].value.u32 = box.source_low;
  rule.field[kSourceField].mask_range.u32 = prefix_length(box.source_low, box.source_high);
  rule.field[kDestinationField].value.u32 = box.destination_low;
  rule.field[kDestinationField].mask_range.u32 =
      prefix_length(box.destination_low, box.destination_high);
  rule.field[kSourcePortField].value.u16 = box.source_port_low;
  rule.field[kSourcePortField].mask_range.u16 = box.source_port_high;
  rule.field[kDestinationPortField].value.u16 = box.destination_port_low;
  rule.field[kDestinationPortField].mask_range.u16 = box.destination_port_high;
  return rule;
}

std::size_t allocated_bytes() {
  rte_malloc_socket_stats stats = {};
  rte_malloc_get_socket_stats(0, &stats);
  return stats.heap_allocsz_bytes;
}

class DpdkAclTable final : public AclTable {
 public:
  DpdkAclTable(rte_acl_ctx* context, std::size_t bytes) : context_(context), bytes_(bytes) {}
  ~DpdkAclTable() override { rte_acl_free(context_); }
  DpdkAclTable(const DpdkAclTable&) = delete;
  DpdkAclTable& operator=(const DpdkAclTable&) = delete;

  void set_headers(std::span<const BoxKey> keys) override {
    headers_.clear();
    for (const BoxKey& key : keys) {
      headers_.push_back({static_cast<std::uint8_t>(key.protocol),
                          {},
                          htonl(key.source),
                          htonl(key.destination),
                          htons(key.source_port),
                          htons(key.destination_port)});
    }
    pointers_.clear();
    for (const Header& header : headers_) {
      pointers_.push_back(reinterpret_cast<const std::uint8_t*>(&header));
    }
  }

  void classify(std::size_t first, std::span<std::uint32_t> rules) const override {
    // The interface is not const for the pointers, the function is.
    rte_acl_classify(context_, const_cast<const std::uint8_t**>(&pointers_[first]), rules.data(),
                     static_cast<std::uint32_t>(rules.size()), 1);
  }

  [[nodiscard]] std::size_t memory_bytes() const override { return bytes_; }

 private:
  rte_acl_ctx* context_;
  std::size_t bytes_;
  std::vector<Header> headers_;
  std::vector<const std::uint8_t*> pointers_;
};

}  // namespace

bool AclTable::available() {
  static const bool kReady = [] {
    std::array<const char*, 9> arguments = {
        "classify-bench", "--no-huge", "--no-pci", "--no-shconf",
        "--no-telemetry", "-m",        "4096",     "--force-max-simd-bitwidth=512",
        "--log-level=1"};
    return rte_eal_init(static_cast<int>(arguments.size()), const_cast<char**>(arguments.data())) >=
           0;
  }();
  return kReady;
}

std::unique_ptr<AclTable> AclTable::build(const std::vector<Box>& boxes, std::size_t max_bytes) {
  static int tables = 0;
  const std::string name = "table" + std::to_string(tables++);
  const rte_acl_param parameters = {name.c_str(), 0, sizeof(AclRule),
                                    static_cast<std::uint32_t>(boxes.size())};
  rte_acl_ctx* context = rte_acl_create(&parameters);
  if (context == nullptr) return nullptr;
  std::vector<AclRule> rules;
  rules.reserve(boxes.size());
  for (const Box& box : boxes) rules.push_back(to_rule(box, boxes.size()));
  const std::size_t before = allocated_bytes();
  rte_acl_config config = {};
  config.num_categories = 1;
  config.num_fields = kFields;
  std::copy(kDefinition.begin(), kDefinition.end(), std::begin(config.defs));
  config.max_size = max_bytes;
  const bool built = rte_acl_add_rules(context, reinterpret_cast<const rte_acl_rule*>(rules.data()),
                                       static_cast<std::uint32_t>(rules.size())) == 0 &&
                     rte_acl_build(context, &config) == 0;
  auto table = std::make_unique<DpdkAclTable>(context, allocated_bytes() - before);
  if (!built) return nullptr;
  if (rte_acl_set_ctx_classify(context, RTE_ACL_CLASSIFY_AVX512X32) != 0) {
    rte_acl_set_ctx_classify(context, RTE_ACL_CLASSIFY_AVX512X16);
  }
  return table;
}

}  // namespace afxfw
