// SPDX-License-Identifier: Apache-2.0
#include "extensions.hpp"
#include "qemu_vm.hpp"
#include "visor/core/error.hpp"
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/qmp/commands.hpp"
#include "visor/sdk/qmp/commands/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

namespace visor::sdk {
namespace {

using namespace std::chrono_literals;

constexpr const char* fd_name = "visor-dump";
/// How long a dump that failed may take to have QEMU close what it was passed.
constexpr auto tidy_up = 500ms;

qmp::DumpFormat format_of(DumpFormat format) noexcept {
  switch (format) {
    case DumpFormat::elf:
      return qmp::DumpFormat::elf;
    case DumpFormat::kdump_zlib:
      return qmp::DumpFormat::kdump_zlib;
    case DumpFormat::kdump_lzo:
      return qmp::DumpFormat::kdump_lzo;
    case DumpFormat::kdump_snappy:
      return qmp::DumpFormat::kdump_snappy;
  }
  return qmp::DumpFormat::elf;
}

/// A new file of the caller alone. It goes again unless it is kept.
class NewFile {
 public:
  explicit NewFile(const std::filesystem::path& path)
      : path_{path}, fd_{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)} {
    if (fd_) return;
    if (errno == EEXIST) throw Error(Errc::already_exists, "The dump file " + path.string() + " exists already");
    throw system_error("Cannot make the dump file " + path.string(), errno);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!kept_) ::unlink(path_.c_str());
  }
  void keep() noexcept { kept_ = true; }
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  std::filesystem::path path_;
  UniqueFd fd_;
  bool kept_ = false;
};

void check_format(qmp::Client& client, qmp::DumpFormat format, const CallContext& call) {
  const auto formats = qmp::query_dump_guest_memory_capability(client, call);
  if (std::ranges::find(formats, format) != formats.end()) return;
  std::string there;
  for (const auto one : formats) there += (there.empty() ? "" : ", ") + std::string{to_string(one)};
  throw Error(Errc::unsupported,
              "This QEMU cannot dump memory as " + std::string{to_string(format)} + "; it can as " + there);
}

class QemuDump final : public DumpExtension {
 public:
  explicit QemuDump(std::shared_ptr<Tether> tether) : tether_{std::move(tether)} {}

  void dump(const std::filesystem::path& file, DumpFormat format, bool paging, const CallContext& call) override {
    if (paging && format != DumpFormat::elf) {
      throw Error(Errc::invalid_config, "A memory dump by the guest's page tables is always of the format elf");
    }
    const auto vm = tether_->hold();
    vm->change("dump", call, [&](qmp::Client& client) {
      check_format(client, format_of(format), call);
      NewFile target{file};
      write(client, target.fd(),
            {.target = std::string{"fd:"} + fd_name, .paging = paging, .format = format_of(format)}, call);
      target.keep();
    });
  }

 private:
  static void write(qmp::Client& client, int fd, const qmp::DumpRequest& request, const CallContext& call) try {
    qmp::getfd(client, fd_name, fd, call);
    (void)qmp::dump_guest_memory(client, request, call);
  } catch (const Error& error) {
    // One that QEMU has used up it does not know any more.
    (void)client.call({"closefd", Value::map({{"fdname", fd_name}})}, tidy_up);
    const bool full = error.message().find("No space left on device") != std::string::npos;
    throw Error(full ? Errc::exhausted : error.code(), error.message());
  }

  std::shared_ptr<Tether> tether_;
};

}  // namespace

std::shared_ptr<DumpExtension> make_dump_extension(std::shared_ptr<Tether> tether) {
  return std::make_shared<QemuDump>(std::move(tether));
}

}  // namespace visor::sdk
