// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"

#include <gtest/gtest.h>

namespace visor::test {

/// What a call throws; fails the test when it throws nothing.
template <class Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return Error(Errc::internal, "nothing was thrown");
}

}  // namespace visor::test
