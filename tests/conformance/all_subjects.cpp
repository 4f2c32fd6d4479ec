// SPDX-License-Identifier: Apache-2.0
#include "subject.hpp"

#include <algorithm>
#include <iterator>

namespace visor::conformance {

std::vector<Subject> all_subjects() {
  std::vector<Subject> all;
  for (auto* subjects : {&mock_subjects, &qemu_subjects}) std::ranges::move(subjects(), std::back_inserter(all));
  return all;
}

}  // namespace visor::conformance
