#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "afxfw_abi.h"
#include "harness/bytes.h"
#include "util/fd.h"

struct afxfw_bpf;

namespace afxfw::test {

/// What the XDP program did with one packet.
struct Judgement {
  int action = -1;  ///< XDP_DROP, ...
  /// The one counter that moved by one packet; empty if none or several did.
  std::optional<afxfw_outcome> outcome;
  std::uint64_t bytes = 0;  ///< by how much that counter's bytes moved

  bool operator==(const Judgement&) const = default;
};
void PrintTo(const Judgement& judgement, std::ostream* out);

/// afxfw_xdp in the kernel with a policy, run by BPF_PROG_TEST_RUN: no interface
/// is touched. Throws std::system_error if it can't be loaded; EPERM means that
/// CAP_BPF, CAP_NET_ADMIN or CAP_PERFMON is missing.
class ProgramUnderTest {
 public:
  /// The kernel shows an XDP program nothing shorter than an Ethernet header,
  /// neither in a test run nor from a device.
  static constexpr std::size_t kShortestFrame = 14;

  explicit ProgramUnderTest(const afxfw_inline_policy& policy);
  ~ProgramUnderTest();
  ProgramUnderTest(const ProgramUnderTest&) = delete;
  ProgramUnderTest& operator=(const ProgramUnderTest&) = delete;

  /// One packet of kShortestFrame to about 3,500 bytes, as if it had arrived on
  /// queue 0 of the loopback device, or on a given queue of a given interface.
  Judgement run(std::span<const std::byte> frame);
  Judgement run(std::span<const std::byte> frame, unsigned interface_index, unsigned queue);

  /// Puts an AF_XDP socket into the map, which the kernel accepts unbound.
  void add_socket(std::uint32_t queue);

  /// What changes while packets flow.
  void set_live(const afxfw_live& live);
  /// Enters a flow, or a source to be dropped, into the maps that the policy asks for.
  void remember(const afxfw_ipv4_flow& flow, std::uint64_t value);
  void remember(const afxfw_ipv6_flow& flow, std::uint64_t value);
  void push_down(const Ipv4Address& source);
  void push_down(const Ipv6Address& source);
  /// How many packets were dropped from it; nothing: it is not there.
  [[nodiscard]] std::optional<std::uint64_t> pushed_packets(const Ipv4Address& source) const;
  /// Flows of IPv4 that there are.
  [[nodiscard]] std::size_t flows() const;
  static constexpr std::uint32_t kMaxFlows = 1024;

  /// All packets counted so far.
  [[nodiscard]] std::uint64_t packets() const;

 private:
  using Counters = std::array<afxfw_counter, AFXFW_OUTCOME_COUNT>;

  [[nodiscard]] Counters counters() const;

  struct Destroy {
    void operator()(afxfw_bpf* skeleton) const;
  };
  class Socket;

  std::unique_ptr<afxfw_bpf, Destroy> skeleton_;
  std::vector<std::unique_ptr<Socket>> sockets_;
};

/// Policies to test with.
[[nodiscard]] afxfw_inline_policy no_policy();
[[nodiscard]] afxfw_inline_policy default_policy();  ///< "udp,tcp/80"
void drop_protocol(afxfw_inline_policy& policy, unsigned protocol);
void drop_tcp_ports(afxfw_inline_policy& policy, unsigned first, unsigned last);
void drop_udp_ports(afxfw_inline_policy& policy, unsigned first, unsigned last);

/// Why BPF programs can't be loaded here, or empty.
[[nodiscard]] const std::string& missing_privilege();

}  // namespace afxfw::test

/// In a test's body or SetUp.
#define AFXFW_SKIP_WITHOUT_BPF()                      \
  if (!afxfw::test::missing_privilege().empty()) {    \
    GTEST_SKIP() << afxfw::test::missing_privilege(); \
  }                                                   \
  static_assert(true)
