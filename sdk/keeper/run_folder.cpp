// SPDX-License-Identifier: Apache-2.0
#include "keeper.hpp"
#include "message.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

namespace visor::keeper {

RunFolder::RunFolder(std::string path) : path_{std::move(path)} {
  folder_.reset(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder_) throw Failure{"run folder", errno, path_, {}};
  struct stat facts{};
  if (::fstat(folder_.get(), &facts) != 0) throw Failure{"run folder", errno, path_, {}};
  if (facts.st_uid != ::geteuid() || (facts.st_mode & 022) != 0) {
    throw Failure{"run folder", EPERM, path_ + " belongs to somebody else or others may write to it", {}};
  }
  if (::flock(folder_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Failure{"run folder", EBUSY, path_ + " is held by a living keeper", {}};
  }
}

void RunFolder::write(const char* name, std::string_view text) const {
  const auto temporary = file(name) + ".new";
  UniqueFd out(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  while (out && !text.empty()) {
    const auto done = ::write(out.get(), text.data(), text.size());
    if (done <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(done));
  }
  const bool whole = out && text.empty();
  if (!whole || ::rename(temporary.c_str(), file(name).c_str()) != 0) ::unlink(temporary.c_str());
}

void report_failure(int lifeline, const Failure& failure) {
  sdk::wire::Message message("failed");
  message.add("process", failure.process).add("stage", failure.stage);
  message.add("errno", static_cast<std::uint64_t>(failure.error)).add("text", failure.text);
  const auto text = message.encode();
  ::send(lifeline, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace visor::keeper
