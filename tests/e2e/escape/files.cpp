// SPDX-License-Identifier: Apache-2.0
#include "fields.hpp"
#include "hostile_text.hpp"
#include "visor/core/error.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace visor::test {
namespace {

namespace fs = std::filesystem;

void put_at(std::string& bytes, std::size_t at, std::string_view what) { bytes.replace(at, what.size(), what); }

/// linux: Documentation/x86/boot.rst; a header without code is enough for a guest that never runs.
std::string pc_kernel() {
  std::string kernel(65536, '\0');
  put_at(kernel, 0x1f1, "\x01");
  put_at(kernel, 0x1fe, "\x55\xaa");
  put_at(kernel, 0x202, "HdrS\x0c\x02");
  put_at(kernel, 0x211, "\x01");
  put_at(kernel, 0x22c, "\xff\xff\xff\x7f");
  return kernel;
}

/// elf(5): one segment of 16 bytes, for 64-bit PowerPC.
std::string power_kernel() {
  std::string kernel(256, '\0');
  put_at(kernel, 0,
         "\x7f"
         "ELF\x02\x01\x01");
  put_at(kernel, 16, std::string_view{"\x02\0\x15\0\x01", 5});  // an executable of machine 21
  put_at(kernel, 32, "\x40");                                   // where its program headers are
  put_at(kernel, 48, std::string_view{"\x02\0\0\0\x40\0\x38\0\x01", 9});
  put_at(kernel, 64, std::string_view{"\x01\0\0\0\x07", 5});
  put_at(kernel, 72, "\x80");
  put_at(kernel, 96, "\x10");
  put_at(kernel, 104, "\x10");
  put_at(kernel, 112, "\x01");
  return kernel;
}

std::string kernel_of(const std::string& arch) {
  if (arch == "amd64") return pc_kernel();
  return arch == "ppc64le" ? power_kernel() : std::string(65536, '\0');
}

}  // namespace

Files::Files(std::string arch) : arch_{std::move(arch)} {
  std::string pattern = "/tmp/ve-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw system_error("Cannot make a folder for the test", errno);
  folder_ = pattern;
  make(Made::kernel, folder_ / "kernel");
  make(Made::disk, folder_ / "initrd");
}

Files::~Files() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void Files::make(Made made, const std::string& path) const {
  if (made == Made::folder) {
    fs::create_directories(path);
    return;
  }
  if (made == Made::socket) return;
  const auto content = made == Made::kernel  ? kernel_of(arch_)
                       : made == Made::small ? std::string{small_file}
                       : made == Made::flash ? std::string(65536, '\0')
                                             : std::string(512, 'v');
  std::ofstream{path, std::ios::binary} << content;
}

std::string Files::value_of(const Field& field, const std::string& text, std::size_t number) {
  if (field.made == Made::text) return text;
  if (field.made == Made::word) {
    const auto first = std::min(text.find_first_not_of(' '), text.size());
    return text.substr(first, text.find_last_not_of(' ') + 1 - first);
  }
  if (field.made == Made::blob) return "opt/" + text;
  const bool relative = text.empty() || text.front() != '/';
  if (relative && number % 10 == 0) return text;
  const auto folder = folder_ / std::to_string(number);
  auto path = (folder / file_name_of(text)).string();
  while (path.ends_with('/')) path.pop_back();
  std::error_code failed;
  fs::create_directories(fs::path{path}.parent_path(), failed);
  const bool possible = path.find('\0') == std::string::npos && path.size() < 4096;
  if (possible && !failed && path != folder) make(field.made, path);
  return path;
}

VmConfig Files::base() const {
  VmConfig config;
  config.hypervisor = "qemu-" + arch_;
  config.machine.accelerator = Accelerator::tcg;
  config.cpu.count = 1;
  config.cpu.max_count = 1;
  config.memory.size_mib = arch_ == "ppc64le" ? 256 : 128;
  config.console.type = ConsoleType::none;
  config.boot.kernel = folder_ / "kernel";
  config.boot.initrd = folder_ / "initrd";
  return config;
}

}  // namespace visor::test
