// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "testing/json_stream.hpp"
#include "visor/core/value.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visor::testing {

/// What two sides said, as the steps of a script.
class Transcript {
 public:
  explicit Transcript(bool keep_times) : keep_times_{keep_times} {}

  void from_client(std::string_view bytes);
  void from_server(std::string_view bytes);
  void client_closed() { end("client"); }
  void server_closed() { end("close"); }
  /// Ends without an end: the reason becomes a comment.
  void broke_off(std::string reason) { reason_ = std::move(reason); }

  /// The script.
  [[nodiscard]] std::string yaml() const;

 private:
  struct Command {
    std::optional<Value> id;
    bool answered = false;
  };

  void heard_from_client(const Value& object);
  void heard_from_server(const std::string& message);
  void heard_answer(const Value& object);
  void heard_event(const Value& object);
  [[nodiscard]] std::optional<std::size_t> answered_command(const Value& object) const;
  void end(const char* how) { steps_.push_back(Value::map({{"end", how}})); }

  bool keep_times_;
  JsonStream client_;
  JsonStream server_;
  std::vector<Value> steps_;
  std::vector<Command> commands_;
  std::string reason_;
};

}  // namespace visor::testing
