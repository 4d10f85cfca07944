#include "attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include <cerrno>

#include "util/error.h"
#include "xdp_drop.skel.h"
#include "xdp_redirect.skel.h"

namespace afxfw::bench {

namespace {

template <typename Skeleton>
Skeleton* require_loaded(Skeleton* skeleton) {
  if (skeleton == nullptr) throw errno_error("cannot load the XDP program", errno);
  return skeleton;
}

}  // namespace

void Attachment::Deleter::operator()(xdp_drop_bpf* skeleton) const noexcept {
  xdp_drop_bpf__destroy(skeleton);
}

void Attachment::Deleter::operator()(xdp_redirect_bpf* skeleton) const noexcept {
  xdp_redirect_bpf__destroy(skeleton);
}

Attachment::Attachment() = default;
Attachment::Attachment(Attachment&& other) noexcept = default;
Attachment::~Attachment() = default;

Attachment Attachment::drop(const std::string& interface, int ifindex) {
  Attachment attachment;
  attachment.drop_.reset(require_loaded(xdp_drop_bpf__open_and_load()));
  attachment.link_ =
      attach_native(bpf_program__fd(attachment.drop_->progs.xdp_drop), interface, ifindex);
  return attachment;
}

Attachment Attachment::redirect(const std::string& interface, int ifindex, std::uint32_t queue_id,
                                int socket_fd) {
  Attachment attachment;
  attachment.redirect_.reset(require_loaded(xdp_redirect_bpf__open_and_load()));
  const int map_fd = bpf_map__fd(attachment.redirect_->maps.xsks);
  if (bpf_map_update_elem(map_fd, &queue_id, &socket_fd, BPF_ANY) != 0) {
    throw errno_error("cannot enter the socket into the XSKMAP", errno);
  }
  attachment.link_ =
      attach_native(bpf_program__fd(attachment.redirect_->progs.xdp_redirect), interface, ifindex);
  return attachment;
}

Fd attach_native(int program_fd, const std::string& interface, int ifindex) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = XDP_FLAGS_DRV_MODE;
  const int fd = bpf_link_create(program_fd, ifindex, BPF_XDP, &options);
  if (fd < 0) {
    throw errno_error("cannot attach the XDP program to " + interface + " in native mode", -fd);
  }
  return Fd(fd);
}

}  // namespace afxfw::bench
