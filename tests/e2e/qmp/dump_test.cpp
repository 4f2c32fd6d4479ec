// SPDX-License-Identifier: Apache-2.0
// Dumps of memory and jobs on each of the four QEMU programs.
#include "visor/sdk/qmp/commands/dump.hpp"
#include "bare_qemu.hpp"
#include "visor/core/error.hpp"
#include "visor/core/file.hpp"
#include "visor/sdk/qmp/commands/jobs.hpp"
#include "visor/sdk/qmp/commands/machine.hpp"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace visor::test {
namespace {

using namespace sdk::qmp;  // NOLINT(google-build-using-namespace): all of this file is about it

class QmpDumpOf : public EachQemu {};
INSTANTIATE_TEST_SUITE_P(, QmpDumpOf, ::testing::ValuesIn(qemu_targets()), target_name);

/// Notes the last that it hears.
class LastProgress : public ProgressSink {
 public:
  void progress(std::string_view stage, std::uint64_t done, std::uint64_t total) noexcept override {
    text_ = std::string{stage} + ' ' + std::to_string(done) + '/' + std::to_string(total);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// "ELF" and the machine that its header names, by the host's byte order or the other.
std::string elf_machine(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string head(20, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  if (head.substr(0, 4) !=
      "\x7f"
      "ELF")
    return "no ELF";
  const bool big = head[5] == 2;
  return "ELF " + std::to_string(static_cast<unsigned char>(head[big ? 19 : 18]));
}

/// What may stand there (elf.h): a guest that has not begun yet may be in its CPU's 32-bit mode.
bool is_machine_of(const QemuTarget& target, const std::string& machine) {
  if (target.name == "x86_64") return machine == "ELF 62" || machine == "ELF 3";
  if (target.name == "aarch64") return machine == "ELF 183" || machine == "ELF 40";
  return machine == (target.name == "ppc64" ? "ELF 21" : "ELF 22");
}

TEST_P(QmpDumpOf, WritesAllMemoryToAFile) {
  const TestFolder folder;
  const auto qemu = BareQemu::with_machine(GetParam());
  const auto formats = query_dump_guest_memory_capability(qemu->client(), qemu_limit);
  EXPECT_NE(std::find(formats.begin(), formats.end(), DumpFormat::elf), formats.end());
  LastProgress progress;
  const CallContext call{std::chrono::steady_clock::now() + qemu_limit, {}, &progress};
  const auto file = folder.file("dump");
  const auto status = dump_guest_memory(qemu->client(), {.target = "file:" + file}, call);
  EXPECT_EQ(status.completed_bytes, status.total_bytes);
  EXPECT_EQ(progress.text(), "dump " + std::to_string(status.total_bytes) + '/' + std::to_string(status.total_bytes));
  EXPECT_GE(std::filesystem::file_size(file), 256U << 20U);
  EXPECT_TRUE(is_machine_of(GetParam(), elf_machine(file))) << elf_machine(file);
  EXPECT_EQ(query_status(qemu->client(), qemu_limit).status, "prelaunch");
}

TEST_P(QmpDumpOf, WritesARangeToADescriptorInAnotherFormat) {
  const TestFolder folder;
  const auto qemu = BareQemu::with_machine(GetParam());
  const auto file = folder.file("dump");
  const UniqueFd fd{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  give_fd(qemu->client(), "d", fd.get());
  DumpRequest request{.target = "fd:d"};
  request.begin = GetParam().name == "aarch64" ? 1 << 30 : 0;  // where its memory begins
  request.length = 1 << 20;
  EXPECT_EQ(dump_guest_memory(qemu->client(), request, qemu_limit).total_bytes, 1U << 20U);
  EXPECT_TRUE(is_machine_of(GetParam(), elf_machine(file))) << elf_machine(file);
  const auto zlib = folder.file("zlib");
  (void)dump_guest_memory(qemu->client(), {.target = "file:" + zlib, .format = DumpFormat::kdump_zlib}, qemu_limit);
  EXPECT_EQ(read_file(zlib).substr(0, 12), "makedumpfile");
}

TEST_P(QmpDumpOf, AGuestThatRanRunsOn) {
  if (GetParam().name == "s390x") GTEST_SKIP() << "its firmware panics without a disk to boot from";
  const TestFolder folder;
  const auto qemu = BareQemu::with_machine(GetParam());
  cont(qemu->client(), qemu_limit);
  (void)dump_guest_memory(qemu->client(), {.target = "file:" + folder.file("dump"), .paging = false}, qemu_limit);
  EXPECT_TRUE(query_status(qemu->client(), qemu_limit).running);
}

TEST_P(QmpDumpOf, AFullDiskIsAFailureWithQemusReason) {
  const auto qemu = BareQemu::with_machine(GetParam());
  const UniqueFd full{::open("/dev/full", O_RDWR | O_CLOEXEC)};
  give_fd(qemu->client(), "d", full.get());
  try {
    (void)dump_guest_memory(qemu->client(), {.target = "fd:d"}, qemu_limit);
    FAIL() << "it was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::hypervisor_error);
    EXPECT_NE(error.message().find("No space left on device"), std::string::npos) << error.message();
  }
  EXPECT_EQ(query_dump(qemu->client(), qemu_limit).status, "failed");
  EXPECT_THROW((void)dump_guest_memory(qemu->client(), {.target = "file:/nonexistent/d"}, qemu_limit), Error);
}

class QmpJobsOf : public EachQemu {
 protected:
  static void run(BareQemu& qemu, const Command& maker) { run_job(qemu.client(), maker, qemu_limit); }

  /// Makes an image and the nodes "f" and, for qcow2, "q" on it.
  static void make_qcow2(BareQemu& qemu, const std::string& file) {
    run(qemu, make_blockdev_create("a", Value::map({{"driver", "file"}, {"filename", file}, {"size", 0}})));
    const auto node = Value::map({{"driver", "file"}, {"node-name", "f"}, {"filename", file}});
    (void)qemu.client().execute("blockdev-add", node, qemu_limit);
    run(qemu, make_blockdev_create("b", Value::map({{"driver", "qcow2"}, {"file", "f"}, {"size", 1 << 20}})));
    (void)qemu.client().execute("blockdev-add", Value::map({{"driver", "qcow2"}, {"node-name", "q"}, {"file", "f"}}),
                                qemu_limit);
  }
};
INSTANTIATE_TEST_SUITE_P(, QmpJobsOf, ::testing::ValuesIn(qemu_targets()), target_name);

TEST_P(QmpJobsOf, MakeImagesAndSayWhyTheyCannot) {
  const TestFolder folder;
  const auto qemu = BareQemu::without_machine(GetParam());
  make_qcow2(*qemu, folder.file("image"));
  EXPECT_EQ(read_file(folder.file("image")).substr(0, 4), "QFI\xfb");
  try {
    run(*qemu,
        make_blockdev_create("c", Value::map({{"driver", "file"}, {"filename", "/nonexistent/x"}, {"size", 1}})));
    FAIL() << "it was made";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::hypervisor_error);
    EXPECT_NE(error.message().find("No such file or directory"), std::string::npos) << error.message();
  }
  EXPECT_TRUE(query_jobs(qemu->client(), qemu_limit).empty());
  EXPECT_THROW((void)wait_for_job(qemu->client(), "c", qemu_limit), Error);
}

TEST_P(QmpJobsOf, CopyADisk) {
  const TestFolder folder;
  const auto qemu = BareQemu::without_machine(GetParam());
  std::ofstream{folder.file("from")} << std::string(1 << 20, 'x');
  std::ofstream{folder.file("to")} << std::string(1 << 20, '-');
  for (const auto* const name : {"from", "to"}) {
    const auto node = Value::map({{"driver", "file"}, {"node-name", name}, {"filename", folder.file(name)}});
    (void)qemu->client().execute("blockdev-add", node, qemu_limit);
  }
  run(*qemu, make_blockdev_backup("copy", "from", "to"));
  EXPECT_EQ(read_file(folder.file("to")), read_file(folder.file("from")));
  EXPECT_TRUE(query_jobs(qemu->client(), qemu_limit).empty());
}

TEST_P(QmpJobsOf, SaveLoadAndDeleteSnapshots) {
  const TestFolder folder;
  const auto qemu = BareQemu::with_machine(GetParam());
  make_qcow2(*qemu, folder.file("image"));
  run(*qemu, make_snapshot_save("s", "t", "q", {"q"}));
  EXPECT_GT(std::filesystem::file_size(folder.file("image")), 256U << 10U);
  run(*qemu, make_snapshot_load("l", "t", "q", {"q"}));
  run(*qemu, make_snapshot_delete("d", "t", {"q"}));
  EXPECT_THROW(run(*qemu, make_snapshot_load("l", "t", "q", {"q"})), Error);
  EXPECT_TRUE(query_jobs(qemu->client(), qemu_limit).empty());
}

}  // namespace
}  // namespace visor::test
