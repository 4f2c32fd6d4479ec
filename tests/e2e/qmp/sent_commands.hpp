// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/value.hpp"
#include "visor/sdk/qmp/client.hpp"
#include "visor/sdk/qmp/commands/schema.hpp"

#include <functional>
#include <string>
#include <vector>

/// What the SDK sends, recorded from its functions as they run, so that no second list of it can drift away.
namespace visor::test {

/// A function of the SDK, called with every argument that it can send.
struct Sender {
  std::string name;
  std::function<void(sdk::qmp::Client&)> send;
};

/// Those that ask and steer.
std::vector<Sender> query_senders();
/// Those that add and remove.
std::vector<Sender> plug_senders();
/// All of them.
std::vector<Sender> senders();

/// Runs each against a QEMU that is played, knows all commands of the schema and agrees to everything; returns the
/// whole commands. A sender that fails, fails the test.
std::vector<Value> record(const sdk::qmp::Schema& schema, const std::vector<Sender>& senders);

}  // namespace visor::test
