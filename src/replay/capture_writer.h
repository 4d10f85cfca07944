#pragma once

#include <memory>
#include <string>

#include "replay/captured_packet.h"
#include "replay/output_file.h"

struct pcap;
struct pcap_dumper;

namespace afxfw {

/// Writes packets as they were captured to a pcap file with nanoseconds.
class CaptureWriter {
 public:
  /// See OutputFile. Throws Error.
  explicit CaptureWriter(const std::string& path);
  ~CaptureWriter();
  CaptureWriter(const CaptureWriter&) = delete;
  CaptureWriter& operator=(const CaptureWriter&) = delete;

  /// The packets that follow have this link type (libpcap's DLT_) and come from
  /// this file. A pcap file has but one link type: throws Error (kUsage) for
  /// another than the first.
  void begin(int dlt, const std::string& input);

  /// After begin(). Throws Error if it cannot be written.
  void write(const CapturedPacket& packet);

  /// Makes the file what others see. Without it the destructor leaves nothing.
  void commit();

 private:
  struct Close {
    void operator()(pcap* capture) const noexcept;
    void operator()(pcap_dumper* dumper) const noexcept;
  };

  OutputFile file_;
  std::unique_ptr<pcap, Close> format_;
  std::unique_ptr<pcap_dumper, Close> dumper_;
  int dlt_ = 0;
};

}  // namespace afxfw
