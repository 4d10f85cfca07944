#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace afxfw {

/// The largest file that read_file takes unless told otherwise: some 60 million
/// list lines, and far from what would exhaust memory while a set is compiled.
inline constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

/// A whole regular file. Throws Error with ExitCode::kUsage, naming the path,
/// if it cannot be opened, is no regular file, or holds more than max_bytes.
/// Pipes and devices are refused: a reload would find them empty, or wait for a
/// writer for ever. Never blocks on such a path. Syscalls: open, fstat, read.
[[nodiscard]] std::string read_file(const std::string& path, std::size_t max_bytes = kMaxFileBytes);

/// Replaces a file's contents, or makes the file with mode 0600: whoever reads it, after a
/// crash too, finds the old contents or the new ones, whole. Throws Error that names the
/// path. Syscalls: open, write, fsync of file and directory, rename.
void write_file_atomically(const std::string& path, std::string_view contents);

}  // namespace afxfw
