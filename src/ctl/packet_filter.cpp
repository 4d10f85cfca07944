#include "ctl/packet_filter.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <new>

#include "util/error.h"
#include "util/printable.h"

namespace afxfw {

namespace {

struct Close {
  void operator()(pcap_t* capture) const noexcept { pcap_close(capture); }
};

/// More than any packet that is captured.
constexpr int kSnapLength = 262144;

}  // namespace

void PacketFilter::Free::operator()(bpf_program* program) const noexcept {
  pcap_freecode(program);
  delete program;
}

PacketFilter::PacketFilter(const std::string& expression) : program_(new bpf_program{}) {
  const std::unique_ptr<pcap_t, Close> format(pcap_open_dead(DLT_EN10MB, kSnapLength));
  if (!format) throw std::bad_alloc();
  constexpr int kOptimize = 1;
  if (pcap_compile(format.get(), program_.get(), expression.c_str(), kOptimize,
                   PCAP_NETMASK_UNKNOWN) != 0) {
    throw Error(fmt::format("--filter: '{}' is no filter: {}; see pcap-filter(7)",
                            printable(expression), pcap_geterr(format.get())),
                ExitCode::kUsage);
  }
}

bool PacketFilter::matches(std::string_view bytes, std::uint32_t length_bytes) const noexcept {
  pcap_pkthdr header{};
  header.caplen = static_cast<bpf_u_int32>(bytes.size());
  header.len = length_bytes;
  return pcap_offline_filter(program_.get(), &header,
                             reinterpret_cast<const u_char*>(bytes.data())) != 0;
}

}  // namespace afxfw
