// SPDX-License-Identifier: Apache-2.0
// A machine whose state leaves, or comes. In this order QEMU 7.2 tells of it, measured.
#include "machine.hpp"

namespace visor::testing {

Value Machine::migrate_set_capabilities(const Value& arguments) {
  migration_.set_capabilities(arguments);
  return Value::map();
}

Value Machine::migrate_set_parameters(const Value& arguments) {
  migration_.set_parameters(arguments);
  return Value::map();
}

Value Machine::migrate(const Value& arguments) {
  if (!migration_.send(arguments, state_, how_ == Obedience::ignore)) return Value::map();
  if (state_ == "running") emit_("STOP", {});
  state_ = "postmigrate";
  return Value::map();
}

Value Machine::migrate_cancel(const Value& arguments) {
  migration_.cancel(arguments);
  return Value::map();
}

Value Machine::migrate_incoming(const Value& arguments) {
  migration_.receive(arguments);
  return Value::map();
}

void Machine::load_state() {
  const auto state = migration_.load();
  failed_ = ended_ = state.empty();
  state_ = state == "running" && line_.paused ? "paused" : state;
}

}  // namespace visor::testing
