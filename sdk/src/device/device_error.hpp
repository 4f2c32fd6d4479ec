// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/error.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::sdk {

/// What is wrong with one field of a device struct.
struct FieldProblem {
  Errc code = Errc::invalid_config;
  std::string_view field;  ///< of the table; empty: the struct as a whole
  std::string text;        ///< without the field: "must not be longer than 20 bytes"
};

/// What validate() of the device structs throws: the sentences, and what they are about.
class DeviceError final : public Error {
 public:
  DeviceError(const Error& sentences, std::vector<FieldProblem> problems)
      : Error{sentences}, problems_{std::move(problems)} {}
  [[nodiscard]] const std::vector<FieldProblem>& problems() const noexcept { return problems_; }

 private:
  std::vector<FieldProblem> problems_;
};

}  // namespace visor::sdk
