#include "program_under_test.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <system_error>
#include <vector>

#include "afxfw_skeleton.h"

namespace afxfw::test {
namespace {

std::system_error failure(const char* operation, int error_number = errno) {
  return {error_number, std::generic_category(), operation};
}

void update(const bpf_map* map, const void* key, const void* value) {
  if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) != 0)
    throw failure("update a map");
}

/// libbpf reports a refused load on stderr, where it would bury the test's own
/// output.
void silence_libbpf() { libbpf_set_print(nullptr); }

}  // namespace

void PrintTo(const Judgement& judgement, std::ostream* out) {
  static constexpr std::array<const char*, 5> kActions = {"ABORTED", "DROP", "PASS", "TX",
                                                          "REDIRECT"};
  static constexpr std::array<const char*, AFXFW_OUTCOME_COUNT> kOutcomes = {
      "not IP",           "neighbour discovery",
      "dropped protocol", "dropped port",
      "malformed",        "redirect",
      "fallback",         "aborted",
      "passed flow",      "redirect of a new flow",
      "pushed IPv4",      "pushed IPv6"};
  *out << kActions.at(static_cast<std::size_t>(judgement.action)) << ", "
       << (judgement.outcome ? kOutcomes.at(*judgement.outcome) : "not counted once") << ", "
       << judgement.bytes << " bytes";
}

/// As much of an AF_XDP socket as the map asks for: a umem and a receive ring.
class ProgramUnderTest::Socket {
 public:
  Socket() : fd_(::socket(AF_XDP, SOCK_RAW, 0)) {
    if (!fd_) throw failure("socket(AF_XDP)");
    area_ = ::mmap(nullptr, kUmemBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area_ == MAP_FAILED) throw failure("mmap");
    try {
      xdp_umem_reg umem{};
      umem.addr = reinterpret_cast<std::uintptr_t>(area_);
      umem.len = kUmemBytes;
      umem.chunk_size = 4096;
      set(XDP_UMEM_REG, &umem, sizeof(umem));
      const int entries = 16;
      set(XDP_UMEM_FILL_RING, &entries, sizeof(entries));
      set(XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
      set(XDP_RX_RING, &entries, sizeof(entries));
    } catch (...) {
      ::munmap(area_, kUmemBytes);
      throw;
    }
  }
  ~Socket() {
    fd_.reset();
    ::munmap(area_, kUmemBytes);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  static constexpr std::size_t kUmemBytes = std::size_t{16} * 4096;

  void set(int option, const void* value, socklen_t size) {
    if (::setsockopt(fd_.get(), SOL_XDP, option, value, size) != 0) throw failure("setsockopt");
  }

  Fd fd_;
  void* area_ = nullptr;
};

void ProgramUnderTest::Destroy::operator()(afxfw_bpf* skeleton) const {
  afxfw_bpf::destroy(skeleton);
}

ProgramUnderTest::ProgramUnderTest(const afxfw_inline_policy& policy) {
  silence_libbpf();
  skeleton_.reset(afxfw_bpf::open());
  if (!skeleton_) throw failure("open the BPF object");
  skeleton_->rodata->policy = policy;
  if (policy.push_down != 0) {
    constexpr std::uint32_t kSources = 16;
    bpf_map__set_max_entries(skeleton_->maps.ipv4_pushed, kSources);
    bpf_map__set_max_entries(skeleton_->maps.ipv6_pushed, kSources);
  }
  if (policy.fast_path != 0) {
    bpf_map__set_max_entries(skeleton_->maps.ipv4_flows, kMaxFlows);
    bpf_map__set_max_entries(skeleton_->maps.ipv6_flows, kMaxFlows);
  }
  if (const int error = afxfw_bpf::load(skeleton_.get()); error != 0) {
    throw failure("load the BPF object", -error);
  }
}

ProgramUnderTest::~ProgramUnderTest() = default;

ProgramUnderTest::Counters ProgramUnderTest::counters() const {
  const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
  std::vector<afxfw_counter> per_cpu(cpus);
  Counters sums{};
  for (std::uint32_t key = 0; key < AFXFW_OUTCOME_COUNT; ++key) {
    if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counters), &key, per_cpu.data()) != 0) {
      throw failure("read the counters");
    }
    for (const afxfw_counter& counter : per_cpu) {
      sums[key].packets += counter.packets;
      sums[key].bytes += counter.bytes;
    }
  }
  return sums;
}

std::uint64_t ProgramUnderTest::packets() const {
  std::uint64_t sum = 0;
  for (const afxfw_counter& counter : counters()) sum += counter.packets;
  return sum;
}

Judgement ProgramUnderTest::run(std::span<const std::byte> frame) {
  return run(frame, if_nametoindex("lo"), 0);
}

Judgement ProgramUnderTest::run(std::span<const std::byte> frame, unsigned interface_index,
                                unsigned queue) {
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = interface_index;
  context.rx_queue_index = queue;

  bpf_test_run_opts options{};
  options.sz = sizeof(options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  options.repeat = 1;

  const Counters before = counters();
  const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.afxfw_xdp), &options);
  if (error != 0) throw failure("BPF_PROG_TEST_RUN", -error);
  const Counters after = counters();

  Judgement judgement{.action = static_cast<int>(options.retval), .outcome = {}, .bytes = 0};
  std::uint64_t moved = 0;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::uint64_t packets = after[i].packets - before[i].packets;
    moved += packets;
    if (packets == 0) continue;
    judgement.outcome = static_cast<afxfw_outcome>(i);
    judgement.bytes += after[i].bytes - before[i].bytes;
  }
  if (moved != 1) judgement.outcome.reset();
  return judgement;
}

void ProgramUnderTest::add_socket(std::uint32_t queue) {
  auto socket = std::make_unique<Socket>();
  const int fd = socket->fd();
  if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.xsks), &queue, &fd, BPF_ANY) != 0) {
    throw failure("put a socket into the map");
  }
  sockets_.push_back(std::move(socket));
}

void ProgramUnderTest::set_live(const afxfw_live& live) {
  const std::uint32_t key = 0;
  update(skeleton_->maps.bss, &key, &live);
}

void ProgramUnderTest::remember(const afxfw_ipv4_flow& flow, std::uint64_t value) {
  update(skeleton_->maps.ipv4_flows, &flow, &value);
}

void ProgramUnderTest::remember(const afxfw_ipv6_flow& flow, std::uint64_t value) {
  update(skeleton_->maps.ipv6_flows, &flow, &value);
}

void ProgramUnderTest::push_down(const Ipv4Address& source) {
  const std::vector<afxfw_pushed> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  update(skeleton_->maps.ipv4_pushed, source.bytes.data(), values.data());
}

void ProgramUnderTest::push_down(const Ipv6Address& source) {
  const std::vector<afxfw_pushed> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  update(skeleton_->maps.ipv6_pushed, source.bytes.data(), values.data());
}

std::optional<std::uint64_t> ProgramUnderTest::pushed_packets(const Ipv4Address& source) const {
  std::vector<afxfw_pushed> values(static_cast<std::size_t>(libbpf_num_possible_cpus()));
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.ipv4_pushed), source.bytes.data(),
                          values.data()) != 0) {
    return std::nullopt;
  }
  std::uint64_t sum = 0;
  for (const afxfw_pushed& value : values) sum += value.packets;
  return sum;
}

std::size_t ProgramUnderTest::flows() const {
  const int map = bpf_map__fd(skeleton_->maps.ipv4_flows);
  std::size_t count = 0;
  afxfw_ipv4_flow key{};
  for (const void* from = nullptr; bpf_map_get_next_key(map, from, &key) == 0; from = &key) ++count;
  return count;
}

afxfw_inline_policy no_policy() {
  afxfw_inline_policy policy{};
  policy.fallback = AFXFW_FALLBACK_PASS;
  return policy;
}

afxfw_inline_policy default_policy() {
  afxfw_inline_policy policy = no_policy();
  drop_protocol(policy, IPPROTO_UDP);
  drop_tcp_ports(policy, 80, 80);
  return policy;
}

void drop_protocol(afxfw_inline_policy& policy, unsigned protocol) {
  policy.drop_protocol[protocol] = 1;
}

void drop_tcp_ports(afxfw_inline_policy& policy, unsigned first, unsigned last) {
  policy.any_tcp_port = 1;
  for (unsigned port = first; port <= last; ++port) {
    policy.drop_tcp_port[port >> 6] |= std::uint64_t{1} << (port & 63);
  }
}

void drop_udp_ports(afxfw_inline_policy& policy, unsigned first, unsigned last) {
  policy.any_udp_port = 1;
  for (unsigned port = first; port <= last; ++port) {
    policy.drop_udp_port[port >> 6] |= std::uint64_t{1} << (port & 63);
  }
}

const std::string& missing_privilege() {
  static const std::string kReason = []() -> std::string {
    // Not the program itself: the verifier's refusal of a broken one looks like
    // a missing capability. This one can only be refused for want of CAP_BPF,
    // CAP_NET_ADMIN, or CAP_PERFMON, which it takes to subtract pointers.
    const std::array<bpf_insn, 5> instructions = {{
        {BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(xdp_md, data_end), 0},
        {BPF_LDX | BPF_MEM | BPF_W, 1, 1, offsetof(xdp_md, data), 0},
        {BPF_ALU64 | BPF_SUB | BPF_X, 2, 1, 0, 0},
        {BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS},
        {BPF_JMP | BPF_EXIT, 0, 0, 0, 0},
    }};
    silence_libbpf();
    const Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "probe", "GPL", instructions.data(),
                                   instructions.size(), nullptr));
    if (!program) {
      return std::string("needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: ") +
             failure("load a BPF program").what();
    }
    const Fd socket(::socket(AF_XDP, SOCK_RAW, 0));
    if (!socket) return std::string("needs CAP_NET_RAW: ") + failure("socket(AF_XDP)").what();
    return {};
  }();
  return kReason;
}

}  // namespace afxfw::test
