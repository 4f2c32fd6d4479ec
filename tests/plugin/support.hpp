// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/plugin_abi.hpp"
#include "visor/runtime/plugin_registry.hpp"

#include <elf.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace plugin_test {

/// A folder of its own, mode 0700, that goes with all that is in it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

/// A plugin's bytes, to be damaged and written somewhere.
class PluginFile {
 public:
  explicit PluginFile(std::string_view fixture);

  Elf64_Ehdr& header() { return at<Elf64_Ehdr>(0); }
  Elf64_Shdr& identity_section();
  visor_plugin_identity_t& identity() { return at<visor_plugin_identity_t>(identity_section().sh_offset); }
  std::string& bytes() noexcept { return bytes_; }

  PluginFile& rename(std::string_view name);
  /// Everywhere in the file; both texts are of one length, and the old one must occur.
  PluginFile& replace(std::string_view before, std::string_view after);
  std::filesystem::path write(const std::filesystem::path& file) const;

 private:
  template <class T>
  T& at(std::size_t offset) {
    return *reinterpret_cast<T*>(bytes_.data() + offset);
  }
  std::string bytes_;
};

/// Sets a text of an identity; what is left of the field is zero.
template <std::size_t Size>
void set_field(char (&field)[Size], std::string_view text) {
  std::memset(field, 0, Size);
  text.copy(field, Size);
}

/// A registry of one folder alone. With an option, the context that plugins get has it.
visor::PluginRegistry registry_of(const std::filesystem::path& folder, visor::Params options = {});

/// What a registry says about this file, when it is alone in its folder.
visor::PluginInfo examine(const PluginFile& file);

/// Whether any part of the file is mapped into this process.
bool mapped(const std::filesystem::path& file);

/// Runs something that throws visor::Error and returns it; fails the test when it does not throw, or something else.
visor::Error error_of(const std::function<void()>& function);

void write_text(const std::filesystem::path& file, std::string_view text);

}  // namespace plugin_test
