// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "machine.hpp"
#include "visor/core/call.hpp"
#include "visor/core/host_context.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace visor::mock {

/// The file that a mock VM lives in: its record. All processes that have to do with the VM meet there.
///
/// Readers see one whole version. Writers take turns by a lock beside the record, held for one change only; the owner
/// lock, which says who may change the VM at all, is another one.
class MachineFile {
 public:
  MachineFile(std::filesystem::path run_dir, std::shared_ptr<Clock> clock);

  /// Writes the first version. Throws already_exists when there is one.
  void create(Machine machine) const;
  /// Takes back a create().
  void remove() const noexcept;
  /// The machine as it is now. What has fallen due since the last version is written down first.
  [[nodiscard]] Machine look(const CallContext& call) const;
  /// Applies a change to the machine as it is now and writes the result. A change that throws leaves the old version.
  Machine change(std::string_view operation, const CallContext& call,
                 const std::function<void(Machine&, const Now&)>& change) const;
  [[nodiscard]] const std::filesystem::path& run_dir() const noexcept { return run_dir_; }

 private:
  [[nodiscard]] Machine read() const;
  void write(const Machine& machine) const;
  [[nodiscard]] Now now(const Machine& machine) const;

  struct Cache;
  std::filesystem::path run_dir_;
  std::shared_ptr<Clock> clock_;
  std::string boot_id_;
  std::shared_ptr<Cache> cache_;  ///< of the last text that was read, so that a poll does not parse it again
};

}  // namespace visor::mock
