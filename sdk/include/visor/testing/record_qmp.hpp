// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <string>

namespace visor::testing {

struct RecordOptions {
  std::string connect;  ///< the socket of the monitor to listen to
  std::string listen;   ///< where the client connects in its place; the file must not be there, and is removed after
  bool keep_times = false;  ///< events keep their time; else each has that of FakeTime, so that two recordings compare
  /// How long nothing may happen: no client that comes, nobody who says anything.
  std::chrono::milliseconds patience{600'000};
  int stop_fd = -1;  ///< ends the recording when it becomes readable; stays the caller's
};

struct Recording {
  std::string script;   ///< what QmpScript::from_yaml() reads; empty when no client came before `stop_fd` ended it
  std::string problem;  ///< why it ended early; empty when a side closed, or `stop_fd` ended a dialogue
};

/// Stands between one client and a monitor until either closes, and returns what they said as a script. Descriptors are
/// passed on, and not recorded. Nothing is left out: a password that was sent stands in the script.
///
/// Connects first, listens then. Throws visor::Error when it cannot, or when no client comes in time. From then on it
/// throws no more: when nothing is said any more, or the client says what no script can expect, it ends with a
/// `problem`, which is a comment at the end of the script as well. [blocks as long as the dialogue lasts]
Recording record_qmp(const RecordOptions& options);

}  // namespace visor::testing
