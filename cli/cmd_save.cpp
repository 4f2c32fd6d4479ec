// SPDX-License-Identifier: Apache-2.0
#include "command.hpp"
#include "exit_code.hpp"
#include "offered.hpp"
#include "progress.hpp"
#include "visor/core/extensions.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <optional>

namespace visor::cli {
namespace {

using namespace std::chrono_literals;

constexpr auto resume_limit = 10s;
constexpr auto stop_limit = 10s;  // of a VM that is saved: nothing calls that off any more

/// A new folder for the caller alone, that goes again unless what it is for succeeds.
class NewFolder {
 public:
  explicit NewFolder(std::filesystem::path path) : path_{std::move(path)} {
    if (::mkdir(path_.c_str(), 0700) != 0) throw system_error("Cannot make the folder " + path_.string(), errno);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    if (!kept_) ::rmdir(path_.c_str());
  }
  void keep() noexcept { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// A VM that stands still, so that its disks stay as they are saved; it runs on again unless it is let be.
class Stillness {
 public:
  Stillness(Vm& vm, const CallContext& call) : vm_{vm}, ran_{vm.status(call).state == VmState::running} {
    vm.pause(call);
  }
  Stillness(const Stillness&) = delete;
  Stillness& operator=(const Stillness&) = delete;
  ~Stillness() {
    if (!ran_) return;
    try {
      vm_.resume(resume_limit);
    } catch (const std::exception& error) {
      write_stderr("visor: The VM stays paused: " + printable_lines(error.what()) + "\n");
    }
  }
  void keep() noexcept { ran_ = false; }

 private:
  Vm& vm_;
  bool ran_;
};

int save(Context& context) {
  context.interrupts.set_patient(true);
  const auto& id = context.args.words.front();
  const auto folder = std::filesystem::absolute(context.args.words.at(1));
  Progress progress{context.out};
  const auto call = context.call(120s, &progress);
  const auto found = offered<SnapshotExtension>(context, id, "cannot be saved", call);
  NewFolder made{folder};
  std::optional<Stillness> still;
  if (context.args.has("stop")) still.emplace(*found.vm, call);
  found.interface->save(folder, call);
  made.keep();
  if (still) {
    still->keep();
    StopOptions options;
    options.force = true;  // its guest goes on elsewhere
    found.vm->stop(options, stop_limit);
  }
  if (context.out.json) context.out.value(Value::map({{"id", id}, {"folder", folder.string()}}));
  return exit_code::ok;
}

constexpr std::array options = {
    OptionSpec{"stop", "", "end the VM when it is saved"},
    OptionSpec{"timeout", "TIME", "by when it must be saved (default: 2m)"},
};

}  // namespace

const Command save_command{
    "save",
    "ID FOLDER",
    "saves a VM's memory and devices to a folder, for visor restore",
    "The folder must not exist. The guest stands still meanwhile and then goes on, unless --stop "
    "is given. Disks are\nnot copied: a VM that goes on changes them, so copy them while it is "
    "paused, or use --stop.",
    options,
    2,
    2,
    save};

}  // namespace visor::cli
