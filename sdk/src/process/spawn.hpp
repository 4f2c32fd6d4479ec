// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/unique_fd.hpp"
#include "visor/sdk/process/spec.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace visor::sdk {

/// A child of this process.
struct Spawned {
  pid_t pid = 0;
  UniqueFd pidfd;
};

/// What is left out of the instrumentation of a function that runs in such a child.
#if defined(__clang__)
#define VISOR_RAW_CHILD __attribute__((no_sanitize("address", "thread", "undefined")))
#else
#define VISOR_RAW_CHILD __attribute__((no_sanitize_address, no_sanitize_thread, no_sanitize_undefined))
#endif

/// Runs child(argument) as a process on this one's memory, with all signals blocked, while the calling thread waits for
/// it to execute a program or to end. Safe in a program with threads as long as the child makes system calls only, and
/// none through libc wrappers that a sanitizer may have replaced. Throws io_error when there can be no process.
Spawned spawn_child(int (*child)(void*), void* argument);
/// Lets go of a child that could not execute: it is on its way out, and nothing of it is to be left.
void drop_child(Spawned child);

/// Executes a keeper that has `lifeline` as descriptor 3 and no other of ours but 0, 1 and 2, which it drops at once.
/// [any thread] [blocks until exec] Errors: not_found, permission_denied, io_error; each names the path.
Spawned spawn_keeper(const std::string& keeper_path, const std::string& run_dir, int lifeline);

/// A program, as spawn_program() takes it: all of it is borrowed until that returns.
struct ProgramStart {
  std::string path;
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< empty: this process's
  std::string working_dir;       ///< empty: this process's
  std::vector<int> fds;          ///< become 0, 1, 2, … in this order; no others of ours are open in it
  std::optional<Credentials> credentials;
  bool no_new_privs = false;
  bool end_with_caller = false;  ///< SIGKILL when the thread that made it ends
};

/// Executes a program that leads a session of its own and has all signals as they are by default. [any thread]
/// [blocks until exec] Errors: not_found, permission_denied, io_error; each names the path and what failed.
Spawned spawn_program(const ProgramStart& start);

}  // namespace visor::sdk
