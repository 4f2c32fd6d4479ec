// SPDX-License-Identifier: Apache-2.0
#include "machine_file.hpp"

#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/core/json.hpp"
#include "visor/core/owner_lock.hpp"
#include "visor/sdk/process/process_identity.hpp"

#include <mutex>
#include <utility>

namespace visor::mock {
namespace {

constexpr std::string_view lock_folder = "writer";

OwnerLock write_lock(const std::filesystem::path& folder, std::string_view operation, const CallContext& call) {
  try {
    return OwnerLock::acquire(folder, operation, call);
  } catch (const Error& error) {
    if (error.code() != Errc::busy) throw;
    throw Error(Errc::timeout,
                "Timed out while waiting for another change of the VM in " + folder.parent_path().string() + " to end");
  }
}

Machine machine_from_text(const std::filesystem::path& run_dir, const std::string& text) {
  try {
    auto record = vm_record_from_value(parse_json(text));
    record.run_dir = run_dir;
    return machine_from_record(std::move(record));
  } catch (const Error& error) {
    throw Error(error.code(), (run_dir / "record.json").string() + ": " + error.message());
  }
}

}  // namespace

struct MachineFile::Cache {
  std::mutex mutex;
  std::string text;
  Machine machine;
};

MachineFile::MachineFile(std::filesystem::path run_dir, std::shared_ptr<Clock> clock)
    : run_dir_{std::move(run_dir)},
      clock_{std::move(clock)},
      boot_id_{host_boot_id()},
      cache_{std::make_shared<Cache>()} {}

void MachineFile::create(Machine machine) const {
  if (!std::filesystem::is_directory(run_dir_)) {
    throw Error(Errc::not_found, "The VM's folder " + run_dir_.string() + " does not exist");
  }
  if (std::filesystem::exists(run_dir_ / "record.json")) {
    throw Error(Errc::already_exists, "There is a VM in " + run_dir_.string() + " already");
  }
  machine.record.run_dir = run_dir_;
  machine.record.boot_id = boot_id_;
  write(machine);
}

void MachineFile::remove() const noexcept {
  std::error_code ignored;
  for (const auto* name : {"record.json", "lock"}) std::filesystem::remove(run_dir_ / name, ignored);
  std::filesystem::remove_all(run_dir_ / lock_folder, ignored);
}

Machine MachineFile::read() const {
  auto text = read_file(run_dir_ / "record.json");
  {
    const std::scoped_lock lock{cache_->mutex};
    if (text == cache_->text) return cache_->machine;
  }
  auto machine = machine_from_text(run_dir_, text);
  const std::scoped_lock lock{cache_->mutex};
  cache_->text = std::move(text);
  cache_->machine = machine;
  return machine;
}

void MachineFile::write(const Machine& machine) const {
  auto record = machine.record;
  record.blob = machine_blob(machine);
  write_record(record);
}

Now MachineFile::now(const Machine& machine) const {
  Now now;
  now.steady = std::chrono::steady_clock::now().time_since_epoch();
  now.wall = clock_ ? clock_->now() : std::chrono::system_clock::now();
  now.rebooted = machine.record.boot_id != boot_id_;
  now.creator_gone = machine.creator.pid != 0 && !sdk::alive({machine.creator.pid, machine.creator.start_time});
  return now;
}

Machine MachineFile::look(const CallContext& call) const {
  auto written = read();
  auto machine = written;
  if (!machine.advance(now(machine))) return machine;
  try {
    return change("look", call, [](Machine&, const Now&) {});
  } catch (const Error& error) {
    if (error.code() != Errc::timeout) throw;
    machine.journal = std::move(written.journal);  // an event counts once it is written
    return machine;
  }
}

Machine MachineFile::change(std::string_view operation, const CallContext& call,
                            const std::function<void(Machine&, const Now&)>& change) const {
  const auto folder = run_dir_ / lock_folder;
  std::error_code ignored;  // the lock itself says when the folder could not be made
  std::filesystem::create_directory(folder, ignored);
  const auto lock = write_lock(folder, operation, call);
  auto machine = read();
  const auto time = now(machine);
  machine.advance(time);
  change(machine, time);
  machine.advance(time);
  write(machine);
  return machine;
}

}  // namespace visor::mock
