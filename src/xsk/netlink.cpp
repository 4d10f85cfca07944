#include "xsk/netlink.h"

#include <netlink/attr.h>
#include <netlink/errno.h>

#include <cerrno>
#include <new>

#include "util/error.h"

namespace afxfw {

NetlinkRequest::NetlinkRequest(int type, int flags)
    : message_(nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags)) {
  if (message_ == nullptr) throw std::bad_alloc();
}

void NetlinkRequest::append(const void* data, std::size_t length) {
  if (nlmsg_append(message_.get(), const_cast<void*>(data), length, NLMSG_ALIGNTO) != 0) {
    throw std::bad_alloc();
  }
}

NetlinkRequest& NetlinkRequest::put(int attribute, const void* data, std::size_t length) {
  if (nla_put(message_.get(), attribute, static_cast<int>(length), data) != 0) {
    throw std::bad_alloc();
  }
  return *this;
}

nlattr* NetlinkRequest::begin_nest(int attribute) {
  nlattr* const start = nla_nest_start(message_.get(), attribute);
  if (start == nullptr) throw std::bad_alloc();
  return start;
}

NetlinkSocket::NetlinkSocket() : socket_(nl_socket_alloc()) {
  if (socket_ == nullptr) throw std::bad_alloc();
  if (const int result = nl_connect(socket_.get(), NETLINK_ROUTE); result != 0) {
    throw Error(std::string("cannot open a netlink socket: ") + nl_geterror(result));
  }
}

int NetlinkSocket::try_send(const NetlinkRequest& request) {
  // libnl folds many errnos into one code of its own; the kernel's answer keeps
  // them apart, so it is read in the error callback.
  int error_number = 0;
  nl_cb* const callbacks = nl_cb_alloc(NL_CB_DEFAULT);
  if (callbacks == nullptr) throw std::bad_alloc();
  nl_cb_err(
      callbacks, NL_CB_CUSTOM,
      [](sockaddr_nl*, nlmsgerr* answer, void* error) {
        *static_cast<int*>(error) = -answer->error;
        return static_cast<int>(NL_STOP);
      },
      &error_number);
  int waiting = 1;
  nl_cb_set(
      callbacks, NL_CB_ACK, NL_CB_CUSTOM,
      [](nl_msg*, void* flag) {
        *static_cast<int*>(flag) = 0;
        return static_cast<int>(NL_STOP);
      },
      &waiting);
  int result = nl_send_auto(socket_.get(), request.message());
  if (result >= 0) {
    do {
      result = nl_recvmsgs(socket_.get(), callbacks);
    } while (result >= 0 && waiting != 0 && error_number == 0);
  }
  nl_cb_put(callbacks);
  if (error_number != 0) return error_number;
  return result < 0 ? EIO : 0;
}

void NetlinkSocket::send(const NetlinkRequest& request, const std::string& operation) {
  if (const int error_number = try_send(request); error_number != 0) {
    throw errno_error(operation, error_number);
  }
}

}  // namespace afxfw
