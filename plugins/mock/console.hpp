// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "handle.hpp"
#include "visor/core/vm.hpp"

#include <cstdint>
#include <memory>
#include <mutex>

namespace visor::mock {

/// A reader of the machine's console text with a position of its own; what is written is echoed by the guest.
class MockConsole final : public Console {
 public:
  explicit MockConsole(std::shared_ptr<Handle> handle);
  std::size_t read(char* buffer, std::size_t size, const CallContext& call) override;
  void write(std::string_view bytes, const CallContext& call) override;
  [[nodiscard]] int poll_fd() const noexcept override { return -1; }

 private:
  std::size_t take(const ConsoleText& console, char* buffer, std::size_t size);

  std::shared_ptr<Handle> handle_;
  std::mutex mutex_;
  std::uint64_t position_ = 0;  ///< counts the bytes of the machine's whole life
};

}  // namespace visor::mock
