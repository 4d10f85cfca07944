#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "harness/bytes.h"

/// Capture files, byte by byte from their specifications, for tests of what
/// reads them: no libpcap is involved.
namespace afxfw::test {

/// One packet of a capture. length: on the wire, unless as captured. fraction:
/// micro- or nanoseconds, as the file has it.
struct Record {
  Bytes bytes;
  std::uint32_t seconds = 0;
  std::uint32_t fraction = 0;
  std::optional<std::uint32_t> length{};
};

struct PcapFormat {
  std::uint32_t link_type = 1;  ///< LINKTYPE_ETHERNET
  bool big_endian = false;
  bool nanoseconds = false;
};
/// draft-ietf-opsawg-pcap.
class PcapFile {
 public:
  explicit PcapFile(PcapFormat format = {});
  PcapFile& add(const Record& record);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  PcapFormat format_;
  Bytes bytes_;
};

/// draft-ietf-opsawg-pcapng: one section with any number of interfaces.
class PcapngFile {
 public:
  explicit PcapngFile(bool big_endian = false);
  /// nanoseconds: by an if_tsresol option; microseconds without.
  PcapngFile& add_interface(std::uint16_t link_type, bool nanoseconds = false);
  PcapngFile& add(std::uint32_t interface, const Record& record);
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  void add_block(std::uint32_t type, Bytes body);

  bool big_endian_;
  std::vector<bool> nanoseconds_;
  Bytes bytes_;
};

/// The bytes as an open file.
[[nodiscard]] std::FILE* as_file(const Bytes& bytes);

/// A folder for one test, removed with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  /// Writes a file; returns its path.
  [[nodiscard]] std::string write(const std::string& name, const Bytes& content) const;
  /// The names in it, sorted.
  [[nodiscard]] std::vector<std::string> files() const;

 private:
  std::string path_;
};

[[nodiscard]] Bytes read_bytes(const std::string& path);

}  // namespace afxfw::test
