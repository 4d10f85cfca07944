#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "afxfw_abi.h"
#include "xsk/flow_table.h"
#include "xsk/pushed_maps.h"

struct afxfw_bpf;
struct xdp_program;

namespace afxfw {

/// How the XDP program may be, or is, attached.
enum class XdpMode { kNative, kGeneric };
enum class XdpModeRequest { kAuto, kNative, kGeneric };

[[nodiscard]] constexpr const char* name(XdpMode mode) noexcept {
  return mode == XdpMode::kNative ? "native" : "generic";
}

/// How much the XDP program may remember of what the rules said, so that it need not ask
/// them again; 0: nothing of the kind, at no cost a packet.
struct XdpMemory {
  std::uint32_t flows = 0;   ///< accepted flows, of each family
  std::uint32_t pushed = 0;  ///< sources to be dropped, of each family
};

/// Counters of the XDP program, summed over the CPUs, by enum afxfw_outcome.
using InlineCounters = std::array<afxfw_counter, AFXFW_OUTCOME_COUNT>;

/// bpf/afxfw.bpf.c, loaded and attached to one interface. The destructor
/// detaches; a killed process leaves the program attached, and its empty
/// socket map then means the policy's fallback for every packet.
class XdpProgram {
 public:
  /// Loads the program with `policy` and attaches it, through libxdp's
  /// dispatcher where the kernel can (then other programs of the dispatcher
  /// stay), as the single program otherwise. A leftover of our own is replaced
  /// without a moment in which neither is attached, unless the mode changes;
  /// the caller makes sure that no running afxfw owns it. With kAuto, generic
  /// mode is used when native is refused, and native_refusal() says why.
  /// Needs CAP_NET_ADMIN and CAP_BPF. Throws Error.
  static std::unique_ptr<XdpProgram> attach(const std::string& interface, int ifindex,
                                            XdpModeRequest request,
                                            const afxfw_inline_policy& policy,
                                            const XdpMemory& memory = {});

  /// Loads the program into the kernel, so that the verifier sees it, and
  /// attaches nothing. Throws Error.
  static void check(const afxfw_inline_policy& policy, const XdpMemory& memory = {});

  /// Detaches a leftover of our own, if there is one. Returns whether.
  static bool detach_leftover(const std::string& interface, int ifindex);

  ~XdpProgram();
  XdpProgram(const XdpProgram&) = delete;
  XdpProgram& operator=(const XdpProgram&) = delete;

  [[nodiscard]] XdpMode mode() const noexcept { return mode_; }
  [[nodiscard]] bool in_dispatcher() const noexcept { return in_dispatcher_; }
  /// Why native mode was not used, "" when it was or was not asked for.
  [[nodiscard]] const std::string& native_refusal() const noexcept { return native_refusal_; }

  /// From here on, the packets of `queue_id` go to the socket. Throws Error.
  void add_socket(std::uint32_t queue_id, int socket_fd);

  /// What link traffic goes to sockets: bits of enum afxfw_link_traffic; none at
  /// first. Throws Error.
  void set_link_traffic(std::uint32_t named);

  /// Of the rules in force: when it returns, flows that were accepted under another one are
  /// forgotten. 0 at first, under which there are none.
  void set_generation(std::uint64_t generation) noexcept;

  /// Where accepted flows go.
  [[nodiscard]] FlowTable flows() const noexcept;

  /// Sources whose packets are dropped, and, for the program to look there at all, how many
  /// there are.
  [[nodiscard]] PushedMaps pushed() const;
  void set_pushed_count(std::uint32_t ipv4, std::uint32_t ipv6) noexcept;

  /// May be called after detach(). Any thread.
  [[nodiscard]] InlineCounters counters() const;

  /// Detaches, once; packets go to the kernel's stack as if we had never been.
  /// When it returns, those that the program had seen are in the sockets' rings.
  void detach() noexcept;

 private:
  XdpProgram(std::string interface, int ifindex, const afxfw_inline_policy& policy,
             const XdpMemory& memory);
  /// Makes live_ of the loaded program. Throws Error.
  void map_live();
  /// Both return 0 or an errno.
  int try_attach(XdpMode mode);
  int try_replace(XdpMode mode, int attached_program_fd);
  /// Returns 0 or a negative errno.
  int try_detach() noexcept;

  std::string interface_;
  int ifindex_;
  afxfw_bpf* skeleton_ = nullptr;
  xdp_program* program_ = nullptr;
  XdpMode mode_ = XdpMode::kNative;
  bool in_dispatcher_ = false;
  bool attached_ = false;
  std::string native_refusal_;
  afxfw_live* live_ = nullptr;  // mapped: the program's own
};

}  // namespace afxfw
