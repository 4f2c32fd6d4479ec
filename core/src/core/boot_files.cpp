// SPDX-License-Identifier: Apache-2.0
#include "visor/core/error.hpp"
#include "visor/core/problems.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/core/vm_config.hpp"

#include <fcntl.h>
#include <nettle/sha2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace visor {
namespace {

UniqueFd open_file(const std::string& field, const std::string& path) {
  // Without O_NONBLOCK a fifo would block here for ever.
  UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
  if (fd) return fd;
  const auto error = system_error("cannot open " + path, errno);
  const auto* hint = error.code() == Errc::not_found           ? "; check the path"
                     : error.code() == Errc::permission_denied ? "; give this user the right to read it"
                                                               : "";
  throw Error(error.code(), field + ": " + error.message() + hint);
}

struct stat stat_of(const UniqueFd& fd, const std::string& field, const std::string& path) {
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) throw system_error(field + ": cannot look at " + path, errno);
  return status;
}

/// One file that the guest boots from.
struct BootFile {
  std::string field;
  std::string path;
  bool may_be_device = false;
  std::uint64_t limit_mib = 0;  ///< the file must be smaller than this; 0: any size
};

void check_file(const BootFile& file) {
  if (file.path.empty()) return;
  const auto fd = open_file(file.field, file.path);
  const auto status = stat_of(fd, file.field, file.path);
  const auto refuse = [&](const std::string& why) {
    throw Error(Errc::invalid_config, file.field + ": " + file.path + " " + why);
  };
  if (S_ISBLK(status.st_mode) && file.may_be_device) return;
  if (!S_ISREG(status.st_mode)) refuse("is not a file");
  if (status.st_size == 0) refuse("is empty");
  const auto size_mib = static_cast<std::uint64_t>(status.st_size) >> 20U;
  if (file.limit_mib != 0 && size_mib >= file.limit_mib) {
    refuse("has " + std::to_string(size_mib) + " MiB and does not fit into memory.size, which is " +
           std::to_string(file.limit_mib) + " MiB: give more memory");
  }
}

std::string sha512_of(const UniqueFd& fd, const std::string& path) {
  sha512_ctx context{};
  nettle_sha512_init(&context);
  std::vector<std::uint8_t> buffer(std::size_t{256} << 10U);
  for (;;) {
    const auto size = ::read(fd.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) throw system_error("Cannot read " + path, errno);
    if (size == 0) break;
    nettle_sha512_update(&context, static_cast<std::size_t>(size), buffer.data());
  }
  std::array<std::uint8_t, SHA512_DIGEST_SIZE> digest{};
  nettle_sha512_digest(&context, digest.size(), digest.data());
  std::string hex;
  for (const auto byte : digest) {
    constexpr std::string_view digits = "0123456789abcdef";
    hex += digits[byte >> 4U];
    hex += digits[byte & 0xfU];
  }
  return hex;
}

}  // namespace

void verify_asset(const CustomAsset& asset) {
  if (asset.sha512.empty()) return;
  const auto field = "custom " + std::string{to_string(asset.kind)};
  check_file({field, asset.path});  // a device could be endless
  const auto found = sha512_of(open_file(field, asset.path), asset.path);
  if (found == asset.sha512) return;
  throw Error(Errc::invalid_config, "Invalid hash of the " + field + " at " + asset.path + ": its SHA-512 is " + found +
                                        ", expected " + asset.sha512);
}

void check_boot_files(const VmConfig& config) {
  const auto& boot = config.boot;
  const auto memory = config.memory.size_mib;
  std::vector<BootFile> files = {{"boot.kernel", boot.kernel},
                                 {"boot.image", boot.image, true},
                                 {"boot.initrd", boot.initrd, false, memory},
                                 {"boot.early_initrd", boot.early_initrd, false, memory},
                                 {"boot.firmware", boot.firmware}};
  for (std::size_t i = 0; i < boot.pflash.size(); ++i) {
    files.push_back({"boot.pflash[" + std::to_string(i) + "]", boot.pflash[i], true});
  }
  Problems problems;
  for (const auto& file : files) problems.gather([&] { check_file(file); });
  for (const auto& asset : config.assets) problems.gather([&] { verify_asset(asset); });
  problems.throw_if_any();
}

}  // namespace visor
