// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/export.h"
#include "visor/core/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace visor {

/// Who holds a VM's owner lock, as the holder wrote it down.
struct Owner {
  std::int32_t pid = 0;
  std::string operation;
};

/// The right to change a VM: an exclusive lock on <run_dir>/lock, held by one handle of one process at a time.
///
/// It is released when the object goes, or by the kernel when the process ends. A child made by fork() without exec
/// shares it.
class VISOR_CORE_EXPORT OwnerLock {
 public:
  /// [blocks until the context's deadline] Throws busy, naming the owner's pid and operation; cancelled.
  static OwnerLock acquire(const std::filesystem::path& run_dir, std::string_view operation, const CallContext& call);
  /// The present holder, if any. Never blocks.
  static std::optional<Owner> holder(const std::filesystem::path& run_dir);

  OwnerLock(OwnerLock&&) noexcept;
  OwnerLock& operator=(OwnerLock&&) noexcept;
  ~OwnerLock();

 private:
  explicit OwnerLock(UniqueFd fd) noexcept;
  UniqueFd fd_;
};

}  // namespace visor
