// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "loop.hpp"
#include "visor/core/unique_fd.hpp"

#include <functional>
#include <optional>
#include <string>

namespace visor::keeper {

/// A listening socket of the keeper. Strangers are turned away. When descriptors run out it rests for a moment: the
/// waiting peer would otherwise wake the loop without end.
class Acceptor final : public Handler {
 public:
  using OnPeer = std::function<void(UniqueFd)>;

  /// Throws Failure.
  Acceptor(Loop& loop, const std::string& path, int type, OnPeer on_peer);
  void on_ready(std::uint32_t events) override;

 private:
  void watch() { watch_.emplace(loop_, listener_.get(), EPOLLIN, *this); }

  Loop& loop_;
  OnPeer on_peer_;
  UniqueFd listener_;
  std::optional<Watch> watch_;
  Timer rest_;
};

}  // namespace visor::keeper
