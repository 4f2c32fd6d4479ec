// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/cloud_init.hpp"

#include "iso_tool.hpp"
#include "process/find_program.hpp"
#include "run_program.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/exit.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

namespace visor::sdk {
namespace {

namespace fs = std::filesystem;

constexpr const char* tree_name = "tree";
constexpr const char* image_name = "image";

/// A new folder for this process's user alone, gone with all in it when this object goes.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& parent) {
    auto pattern = (parent / (std::string{cloud_init_scratch} + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) throw system_error("Cannot make a folder in " + parent.string(), errno);
    path_ = pattern;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const noexcept { return path_; }

 private:
  fs::path path_;
};

struct Layout {
  const char* label;
  const char* folder;
  const char* user_data;
  const char* meta_data;
  const char* network_config;
};

Layout layout_of(CloudInitSource source) {
  if (source == CloudInitSource::no_cloud) return {"cidata", "", "user-data", "meta-data", "network-config"};
  return {"config-2", "openstack/latest", "user_data", "meta_data.json", "network_data.json"};
}

void put(const fs::path& file, const std::string& what, const std::string& text) {
  if (text.size() > max_cloud_init_text) {
    throw Error(Errc::exhausted, "The " + what + " of a cloud-init disk has " + std::to_string(text.size()) +
                                     " bytes, at most " + std::to_string(max_cloud_init_text) + " are possible");
  }
  write_file_atomically(file, text);
}

void write_tree(const CloudInitData& data, const fs::path& tree) {
  const auto layout = layout_of(data.source);
  const auto folder = tree / layout.folder;
  fs::create_directories(folder);
  put(folder / layout.user_data, "user data", data.user_data);
  put(folder / layout.meta_data, "meta-data", data.meta_data);
  if (!data.network_config.empty()) put(folder / layout.network_config, "network configuration", data.network_config);
}

/// The tool sees names of ours alone: none that it could take for an option.
RawLaunch command_of(IsoTool tool, const fs::path& scratch, CloudInitSource source) {
  RawLaunch launch;
  launch.program = std::move(tool.path);
  launch.arguments = std::move(tool.first);
  for (const auto* word :
       {"-quiet", "-J", "-R", "-uid", "0", "-gid", "0", "-V", layout_of(source).label, "-o", image_name, tree_name}) {
    launch.arguments.emplace_back(word);
  }
  launch.env = plain_environment();
  launch.working_dir = scratch.string();
  launch.end_with_caller = true;
  launch.stderr_bytes = 16 * 1024;
  launch.term_grace = std::chrono::milliseconds{100};  // it has nothing to save
  return launch;
}

}  // namespace

IsoTool find_iso_tool(const std::function<std::optional<std::string>(const std::string&)>& find) {
  for (const auto* name : {"genisoimage", "mkisofs"}) {
    if (auto found = find(name)) return {*std::move(found), {}};
  }
  if (auto found = find("xorriso")) return {*std::move(found), {"-as", "mkisofs"}};
  throw Error(Errc::unsupported,
              "A cloud-init disk is made by genisoimage, mkisofs or xorriso, and none is in $PATH; install Debian's "
              "package genisoimage or xorriso");
}

void make_cloud_init_disk(const CloudInitData& data, const fs::path& disk, const CallContext& call) try {
  auto tool = find_iso_tool(find_program);
  const ScratchFolder scratch{disk.parent_path()};
  write_tree(data, scratch.path() / tree_name);
  const auto image = scratch.path() / image_name;
  write_file_atomically(image, {});  // mode 0600 before there is anything to read
  const auto name = tool.path;
  const auto end = run_program(command_of(std::move(tool), scratch.path(), data.source), call);
  if (end.status != ExitStatus{ExitStatus::Kind::code, 0, false} || fs::file_size(image) == 0) {
    const auto words = stderr_excerpt(end.stderr_tail);
    throw Error(Errc::io_error, "Cannot make the cloud-init disk " + disk.string() + ": " + name + " ended with " +
                                    end.status.text() + (words.empty() ? "" : ": " + words));
  }
  fs::permissions(image, fs::perms::owner_read | fs::perms::owner_write);
  fs::rename(image, disk);
} catch (const fs::filesystem_error& error) {
  throw system_error("Cannot make the cloud-init disk " + disk.string(), error.code().value());
}

}  // namespace visor::sdk
