#pragma once

#include <netlink/msg.h>
#include <netlink/netlink.h>

#include <cstdint>
#include <memory>
#include <string>

namespace afxfw {

/// One request to the kernel's route netlink, built attribute by attribute.
/// Owns the message.
class NetlinkRequest {
 public:
  /// type: RTM_*; flags: NLM_F_* besides REQUEST and ACK.
  NetlinkRequest(int type, int flags);

  /// The family's fixed header (ifinfomsg, tcmsg), first in the message.
  template <typename Header>
  NetlinkRequest& header(const Header& value) {
    append(&value, sizeof(value));
    return *this;
  }
  NetlinkRequest& put(int attribute, const void* data, std::size_t length);
  NetlinkRequest& put_u8(int attribute, std::uint8_t value) {
    return put(attribute, &value, sizeof(value));
  }
  NetlinkRequest& put_u32(int attribute, std::uint32_t value) {
    return put(attribute, &value, sizeof(value));
  }
  NetlinkRequest& put_string(int attribute, const std::string& value) {
    return put(attribute, value.c_str(), value.size() + 1);
  }
  /// Calls `fill` for the content of a nested attribute.
  template <typename Fill>
  NetlinkRequest& nest(int attribute, Fill&& fill) {
    nlattr* const start = begin_nest(attribute);
    fill(*this);
    nla_nest_end(message_.get(), start);
    return *this;
  }

  [[nodiscard]] nl_msg* message() const noexcept { return message_.get(); }

 private:
  struct Deleter {
    void operator()(nl_msg* message) const noexcept { nlmsg_free(message); }
  };
  void append(const void* data, std::size_t length);
  nlattr* begin_nest(int attribute);

  std::unique_ptr<nl_msg, Deleter> message_;
};

/// A route netlink socket in the caller's network namespace.
class NetlinkSocket {
 public:
  NetlinkSocket();

  /// Sends and waits for the kernel's answer. Returns 0 or an errno.
  [[nodiscard]] int try_send(const NetlinkRequest& request);
  /// The same; throws Error that starts with `operation`.
  void send(const NetlinkRequest& request, const std::string& operation);

  [[nodiscard]] nl_sock* get() const noexcept { return socket_.get(); }

 private:
  struct Deleter {
    void operator()(nl_sock* socket) const noexcept { nl_socket_free(socket); }
  };
  std::unique_ptr<nl_sock, Deleter> socket_;
};

}  // namespace afxfw
