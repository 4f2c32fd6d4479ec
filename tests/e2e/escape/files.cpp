// SPDX-License-Identifier: Apache-2.0
#include "fields.hpp"
#include "hostile_text.hpp"
#include "support/tiny_kernel.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

namespace visor::test {

namespace fs = std::filesystem;

Files::Files(std::string arch) : arch_{std::move(arch)} {
  make(Made::kernel, folder_.path() / "kernel");
  make(Made::disk, folder_.path() / "initrd");
}

void Files::make(Made made, const std::string& path) const {
  if (made == Made::folder) {
    fs::create_directories(path);
    return;
  }
  if (made == Made::socket) return;
  const auto content = made == Made::kernel  ? tiny_kernel(arch_)
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
  const auto folder = folder_.path() / std::to_string(number);
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
  config.boot.kernel = folder_.path() / "kernel";
  config.boot.initrd = folder_.path() / "initrd";
  return config;
}

}  // namespace visor::test
