#include "replay/capture_reader.h"

#include <fmt/format.h>
#include <pcap/pcap.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "util/error.h"

namespace afxfw {
namespace {

constexpr std::int64_t kNanosecondsOfASecond = 1'000'000'000;
constexpr std::int64_t kSecondsWrap = std::int64_t{1} << 32;

std::string file_name(const std::string& path) { return path == "-" ? "standard input" : path; }

std::FILE* open_file(const std::string& path) {
  if (path == "-") return stdin;
  std::FILE* const file = std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    throw Error(fmt::format("cannot open the capture '{}': {}", path,
                            std::generic_category().message(errno)),
                ExitCode::kUsage);
  }
  struct stat status = {};
  if (::fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
    std::fclose(file);
    throw Error(fmt::format("'{}' is a directory, not a capture", path), ExitCode::kUsage);
  }
  return file;
}

/// What to do about a file that libpcap does not know, by its first bytes: those
/// of gzip, zstd and xz. Pipes and empty files have no answer.
std::string advice(std::FILE* file) {
  struct Packer {
    std::array<unsigned char, 4> magic;
    std::size_t length;
    const char* unpack;
  };
  constexpr std::array<Packer, 3> kPackers = {{{{0x1f, 0x8b}, 2, "zcat"},
                                               {{0x28, 0xb5, 0x2f, 0xfd}, 4, "zstdcat"},
                                               {{0xfd, '7', 'z', 'X'}, 4, "xzcat"}}};
  std::array<unsigned char, 4> start{};
  if (std::fseek(file, 0, SEEK_SET) != 0) return "";
  const std::size_t count = std::fread(start.data(), 1, start.size(), file);
  for (const Packer& packer : kPackers) {
    if (count >= packer.length &&
        std::equal(start.begin(), start.begin() + packer.length, packer.magic.begin())) {
      return fmt::format("; it is compressed: {} FILE | afxfw-replay -", packer.unpack);
    }
  }
  return count == 0 ? "; it is empty" : "; a pcap or pcapng file is needed";
}

}  // namespace

void CaptureReader::Close::operator()(pcap* capture) const noexcept { pcap_close(capture); }
void CaptureReader::Close::operator()(std::FILE* file) const noexcept {
  if (file != stdin) std::fclose(file);
}

CaptureReader::CaptureReader(const std::string& path)
    : CaptureReader(open_file(path), file_name(path)) {}

CaptureReader::CaptureReader(std::FILE* file, std::string name)
    : name_(std::move(name)), file_(file) {
  std::array<char, PCAP_ERRBUF_SIZE> text{};
  capture_.reset(
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text.data()));
  if (!capture_) {
    throw Error(
        fmt::format("'{}' cannot be read as a capture: {}{}", name_, text.data(), advice(file)),
        ExitCode::kUsage);
  }
  static_cast<void>(file_.release());
  dlt_ = pcap_datalink(capture_.get());
  const auto found = find_link_type(dlt_);
  if (!found) {
    throw Error(fmt::format("'{}' has a link type that is not read here: {}; those that are: "
                            "Ethernet, raw IP, Linux cooked (v1, v2), BSD null and loopback",
                            name_, describe_link_type(dlt_)),
                ExitCode::kUsage);
  }
  link_type_ = *found;
}

CaptureReader::~CaptureReader() = default;

std::optional<CapturedPacket> CaptureReader::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  if (!damage_.empty()) return std::nullopt;
  const int result = pcap_next_ex(capture_.get(), &header, &data);
  if (result != 1) {
    if (result != PCAP_ERROR_BREAK) damage_ = explain(pcap_geterr(capture_.get()));
    return std::nullopt;
  }
  CapturedPacket packet;
  packet.bytes = {reinterpret_cast<const std::byte*>(data), header->caplen};
  packet.length_bytes = std::max(header->len, header->caplen);
  // Unsigned in a pcap file, but libpcap takes the upper half, from 2038 on, as before 1970.
  packet.time.seconds =
      header->ts.tv_sec < 0 ? header->ts.tv_sec + kSecondsWrap : header->ts.tv_sec;
  // The field's name lies: nanoseconds were asked for.
  packet.time.nanoseconds = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(header->ts.tv_usec, 0, kNanosecondsOfASecond - 1));
  return packet;
}

std::string CaptureReader::explain(const std::string& failure) const {
  const bool other_interface =
      failure.find("different from the type of the first interface") != std::string::npos;
  return other_interface
             ? fmt::format(
                   "an interface in it has another link type than the first ({}), which "
                   "libpcap does not read; 'tshark -r FILE -Y frame.interface_id==N -w "
                   "PART' splits it",
                   describe_link_type(dlt_))
             : failure;
}

std::uint64_t CaptureReader::position() const noexcept {
  const auto offset = ftello(pcap_file(capture_.get()));
  return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
}

}  // namespace afxfw
