#include "xsk/pass_program.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "util/error.h"

namespace afxfw {

namespace {

Fd load() {
  // r0 = XDP_PASS; exit
  constexpr std::array<bpf_insn, 2> kInstructions = {
      bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
               .dst_reg = BPF_REG_0,
               .src_reg = 0,
               .off = 0,
               .imm = XDP_PASS},
      bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
  Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, "afxfw_pass", "Dual BSD/GPL", kInstructions.data(),
                           kInstructions.size(), nullptr));
  if (!program) throw errno_error("cannot load the XDP program that passes all", errno);
  return program;
}

}  // namespace

PassProgram::PassProgram(const Link& link) {
  const Fd program = load();
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = XDP_FLAGS_DRV_MODE;
  attachment_ = Fd(bpf_link_create(program.get(), link.ifindex, BPF_XDP, &options));
  if (attachment_ || errno == EBUSY) return;  // EBUSY: there is a native program
  refusal_ = std::strerror(errno);
}

}  // namespace afxfw
