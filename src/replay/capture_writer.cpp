#include "replay/capture_writer.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <cstdint>
#include <new>

#include "replay/link_type.h"
#include "util/error.h"

namespace afxfw {
namespace {

/// libpcap's own limit, and tcpdump's default.
constexpr int kSnapLength = 262144;

}  // namespace

void CaptureWriter::Close::operator()(pcap* capture) const noexcept { pcap_close(capture); }
void CaptureWriter::Close::operator()(pcap_dumper* dumper) const noexcept {
  pcap_dump_close(dumper);
}

CaptureWriter::CaptureWriter(const std::string& path) : file_(path) {}

CaptureWriter::~CaptureWriter() = default;

void CaptureWriter::begin(int dlt, const std::string& input) {
  if (dumper_) {
    if (dlt == dlt_) return;
    throw Error(fmt::format("'{}' has link type {}, and what '{}' already holds has {}: a pcap "
                            "file has only one, so give captures that differ one at a time",
                            input, describe_link_type(dlt), file_.path(), describe_link_type(dlt_)),
                ExitCode::kUsage);
  }
  dlt_ = dlt;
  format_.reset(pcap_open_dead_with_tstamp_precision(dlt, kSnapLength, PCAP_TSTAMP_PRECISION_NANO));
  if (!format_) throw std::bad_alloc();
  std::FILE* const stream = file_.release();
  dumper_.reset(pcap_dump_fopen(format_.get(), stream));
  if (!dumper_) {
    std::fclose(stream);
    throw Error(fmt::format("cannot write '{}': {}", file_.path(), pcap_geterr(format_.get())));
  }
}

void CaptureWriter::write(const CapturedPacket& packet) {
  pcap_pkthdr header = {};
  header.ts.tv_sec = packet.time.seconds;
  header.ts.tv_usec = packet.time.nanoseconds;
  header.caplen = static_cast<std::uint32_t>(packet.bytes.size());
  header.len = packet.length_bytes;
  pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header,
            reinterpret_cast<const u_char*>(packet.bytes.data()));
  if (std::ferror(pcap_dump_file(dumper_.get())) != 0) throw file_.write_error();
}

void CaptureWriter::commit() {
  if (!dumper_) return;
  if (pcap_dump_flush(dumper_.get()) != 0) throw file_.write_error();
  dumper_.reset();
  file_.commit();
}

}  // namespace afxfw
