#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "replay/captured_packet.h"
#include "replay/link_type.h"

struct pcap;

namespace afxfw {

/// Reads a pcap or pcapng file, of either byte order, with micro- or nanoseconds.
class CaptureReader {
 public:
  /// "-" is standard input. Throws Error (kUsage) that names the file, for one
  /// that cannot be opened, is no capture, or has a link type unknown here.
  explicit CaptureReader(const std::string& path);
  /// From an open file, which it closes; name: for errors.
  CaptureReader(std::FILE* file, std::string name);
  ~CaptureReader();
  CaptureReader(const CaptureReader&) = delete;
  CaptureReader& operator=(const CaptureReader&) = delete;

  /// The next packet, valid until the one after; nothing at the end or where the
  /// file is damaged.
  [[nodiscard]] std::optional<CapturedPacket> next();

  /// Why next() came to an end before the file did; empty if it did not.
  [[nodiscard]] const std::string& damage() const noexcept { return damage_; }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] LinkType link_type() const noexcept { return link_type_; }
  /// libpcap's DLT_ number of it.
  [[nodiscard]] int dlt() const noexcept { return dlt_; }
  /// Bytes of the file read so far.
  [[nodiscard]] std::uint64_t position() const noexcept;

 private:
  struct Close {
    void operator()(pcap* capture) const noexcept;
    void operator()(std::FILE* file) const noexcept;
  };
  [[nodiscard]] std::string explain(const std::string& failure) const;

  std::string name_;
  std::unique_ptr<std::FILE, Close> file_;  ///< until libpcap has taken it over
  std::unique_ptr<pcap, Close> capture_;
  int dlt_ = 0;
  LinkType link_type_ = LinkType::kEthernet;
  std::string damage_;
};

}  // namespace afxfw
