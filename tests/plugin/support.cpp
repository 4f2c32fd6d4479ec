// SPDX-License-Identifier: Apache-2.0
#include "support.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace plugin_test {
namespace {

std::string read_all(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) throw std::runtime_error("cannot read " + file.string());
  return text.str();
}

}  // namespace

TempDir::TempDir() {
  auto name = (std::filesystem::temp_directory_path() / "visor-plugin.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make " + name);
  path_ = std::filesystem::canonical(name);
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

PluginFile::PluginFile(std::string_view fixture)
    : bytes_{read_all(std::filesystem::path{FIXTURE_DIR} / (std::string{fixture} + ".so"))} {}

Elf64_Shdr& PluginFile::identity_section() {
  auto* sections = &at<Elf64_Shdr>(header().e_shoff);
  const char* names = bytes_.data() + sections[header().e_shstrndx].sh_offset;
  for (unsigned i = 0; i < header().e_shnum; ++i) {
    if (std::string_view{names + sections[i].sh_name} == VISOR_PLUGIN_SECTION) return sections[i];
  }
  throw std::runtime_error("the fixture has no identity");
}

PluginFile& PluginFile::rename(std::string_view name) {
  set_field(identity().name, name);
  return *this;
}

PluginFile& PluginFile::replace(std::string_view before, std::string_view after) {
  EXPECT_EQ(before.size(), after.size());
  EXPECT_NE(bytes_.find(before), std::string::npos) << before;
  for (auto at = bytes_.find(before); at != std::string::npos; at = bytes_.find(before, at)) {
    bytes_.replace(at, before.size(), after);
  }
  return *this;
}

std::filesystem::path PluginFile::write(const std::filesystem::path& file) const {
  write_text(file, bytes_);
  return file;
}

void write_text(const std::filesystem::path& file, std::string_view text) {
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out << text;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
}

visor::PluginRegistry registry_of(const std::filesystem::path& folder, visor::Params options) {
  visor::HostContext host;
  host.options = std::move(options);
  return visor::PluginRegistry{std::move(host), {{folder}, false, false}};
}

visor::PluginInfo examine(const PluginFile& file) {
  const TempDir folder;
  file.write(folder.path() / "plugin.so");
  const auto plugins = registry_of(folder.path()).plugins();
  EXPECT_EQ(plugins.size(), 1u);
  return plugins.at(0);
}

bool mapped(const std::filesystem::path& file) {
  std::ifstream maps{"/proc/self/maps"};
  for (std::string line; std::getline(maps, line);) {
    if (line.find(file.string()) != std::string::npos) return true;
  }
  return false;
}

visor::Error error_of(const std::function<void()>& function) {
  try {
    function();
  } catch (const visor::Error& error) {
    return error;
  }
  throw std::runtime_error("nothing was thrown");
}

}  // namespace plugin_test
