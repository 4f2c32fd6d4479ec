// SPDX-License-Identifier: Apache-2.0
// Run state on each of the four QEMU programs.
#include "bare_qemu.hpp"
#include "visor/sdk/qmp/commands.hpp"

namespace visor::test {
namespace {

using namespace sdk::qmp;

class QmpMachine : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpMachine, ::testing::ValuesIn(qemu_targets()), target_name);

TEST_P(QmpMachine, StartsPausedAndQuits) {
  const auto qemu = BareQemu::with_machine(GetParam());
  const auto status = query_status(qemu->client(), qemu_limit);
  EXPECT_EQ(status.status, "prelaunch");
  EXPECT_FALSE(status.running);
  quit(qemu->client(), qemu_limit);
  EXPECT_EQ(qemu->wait_end(), 0) << qemu->stderr_text();
}

}  // namespace
}  // namespace visor::test
