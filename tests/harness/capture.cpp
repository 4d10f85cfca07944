#include "harness/capture.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace afxfw::test {
namespace {

constexpr std::uint32_t kSnapLength = 262144;

void put(Bytes& out, bool big_endian, unsigned width, std::uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const unsigned shift = 8 * (big_endian ? width - 1 - i : i);
    out.push_back(static_cast<std::byte>(value >> shift & 0xff));
  }
}

void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

std::uint32_t wire_length(const Record& record) {
  return record.length.value_or(static_cast<std::uint32_t>(record.bytes.size()));
}

}  // namespace

PcapFile::PcapFile(PcapFormat format) : format_(format) {
  const bool big = format.big_endian;
  put(bytes_, big, 4, format.nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  put(bytes_, big, 2, 2);
  put(bytes_, big, 2, 4);
  put(bytes_, big, 8, 0);
  put(bytes_, big, 4, kSnapLength);
  put(bytes_, big, 4, format.link_type);
}

PcapFile& PcapFile::add(const Record& record) {
  const bool big = format_.big_endian;
  put(bytes_, big, 4, record.seconds);
  put(bytes_, big, 4, record.fraction);
  put(bytes_, big, 4, record.bytes.size());
  put(bytes_, big, 4, wire_length(record));
  append(bytes_, record.bytes);
  return *this;
}

PcapngFile::PcapngFile(bool big_endian) : big_endian_(big_endian) {
  Bytes body;
  put(body, big_endian_, 4, 0x1a2b3c4d);
  put(body, big_endian_, 2, 1);
  put(body, big_endian_, 2, 0);
  put(body, big_endian_, 8, ~std::uint64_t{0});  // length of the section: not said
  add_block(0x0a0d0d0a, std::move(body));
}

PcapngFile& PcapngFile::add_interface(std::uint16_t link_type, bool nanoseconds) {
  constexpr unsigned kTimeResolution = 9;
  Bytes body;
  put(body, big_endian_, 2, link_type);
  put(body, big_endian_, 2, 0);
  put(body, big_endian_, 4, kSnapLength);
  if (nanoseconds) {
    put(body, big_endian_, 2, kTimeResolution);
    put(body, big_endian_, 2, 1);
    put(body, big_endian_, 1, 9);  // 10^-9 s
    body.resize(body.size() + 3);
    put(body, big_endian_, 4, 0);  // end of options
  }
  nanoseconds_.push_back(nanoseconds);
  add_block(1, std::move(body));
  return *this;
}

PcapngFile& PcapngFile::add(std::uint32_t interface, const Record& record) {
  const std::uint64_t units = nanoseconds_.at(interface) ? 1'000'000'000 : 1'000'000;
  const std::uint64_t time = record.seconds * units + record.fraction;
  Bytes body;
  put(body, big_endian_, 4, interface);
  put(body, big_endian_, 4, time >> 32);
  put(body, big_endian_, 4, time & 0xffffffff);
  put(body, big_endian_, 4, record.bytes.size());
  put(body, big_endian_, 4, wire_length(record));
  append(body, record.bytes);
  add_block(6, std::move(body));
  return *this;
}

void PcapngFile::add_block(std::uint32_t type, Bytes body) {
  body.resize((body.size() + 3) / 4 * 4);
  const std::size_t length = body.size() + 12;
  put(bytes_, big_endian_, 4, type);
  put(bytes_, big_endian_, 4, length);
  append(bytes_, body);
  put(bytes_, big_endian_, 4, length);
}

std::FILE* as_file(const Bytes& bytes) {
  // Not fmemopen(), which takes no empty file.
  std::FILE* const file = std::tmpfile();
  if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size()) {
    throw std::runtime_error("no temporary file");
  }
  std::rewind(file);
  return file;
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = std::filesystem::temp_directory_path() / "afxfw-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(const std::string& name, const Bytes& content) const {
  std::ofstream(path(name), std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()),
             static_cast<std::streamsize>(content.size()));
  return path(name);
}

std::vector<std::string> TemporaryFolder::files() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

}  // namespace afxfw::test
