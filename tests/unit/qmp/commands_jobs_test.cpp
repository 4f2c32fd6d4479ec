// SPDX-License-Identifier: Apache-2.0
#include "progress_log.hpp"
#include "qmp_test_support.hpp"
#include "visor/sdk/qmp/commands/jobs.hpp"

#include <atomic>

namespace visor::sdk::qmp {
namespace {

Value job(const char* status, std::uint64_t done = 0, std::uint64_t total = 1) {
  return Value::map(
      {{"current-progress", done}, {"status", status}, {"total-progress", total}, {"type", "create"}, {"id", "j1"}});
}

Value failed_job() { return Value{job("concluded")}.set("error", "Could not open '/x': No such file"); }

Value change(const char* status) { return Value::map({{"status", status}, {"id", "j1"}}); }

Value id() { return Value::map({{"id", "j1"}}); }

Command maker() {
  return make_blockdev_create("j1", Value::map({{"driver", "file"}, {"filename", "/x"}, {"size", 1}}));
}

TEST(QmpJobs, ReadAndSteer) {
  FakeQmpServer server{ready_script()
                           .expect("query-jobs", Value{})
                           .reply(Value::list({job("running", 3, std::uint64_t{1} << 63U), failed_job()}))
                           .expect("job-cancel", id())
                           .reply()
                           .expect("job-complete", id())
                           .fail("GenericError", "Job 'j1' in state 'created' cannot accept command verb 'complete'")
                           .expect("job-finalize", id())
                           .reply()
                           .expect("job-dismiss", id())
                           .fail("DeviceNotActive", "Job not found")};
  const auto client = connect(server);
  const auto jobs = query_jobs(*client, plenty);
  ASSERT_EQ(jobs.size(), 2U);
  EXPECT_EQ(jobs[0].id, "j1");
  EXPECT_EQ(jobs[0].type, "create");
  EXPECT_EQ(jobs[0].status, "running");
  EXPECT_EQ(jobs[0].done, 3U);
  EXPECT_EQ(jobs[0].total, std::uint64_t{1} << 63U);
  EXPECT_EQ(jobs[0].error, std::nullopt);
  EXPECT_EQ(jobs[1].error, "Could not open '/x': No such file");
  job_cancel(*client, "j1", plenty);
  EXPECT_EQ(code_of([&] { job_complete(*client, "j1", plenty); }), Errc::hypervisor_error);
  job_finalize(*client, "j1", plenty);
  EXPECT_EQ(code_of([&] { job_dismiss(*client, "j1", plenty); }), Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpJobs, RunStartsFollowsAndDismisses) {
  FakeQmpServer server{ready_script()
                           .expect("blockdev-create", maker().arguments)
                           .event("JOB_STATUS_CHANGE", change("created"))
                           .reply()
                           .expect("query-jobs")
                           .event("JOB_STATUS_CHANGE", change("concluded"))
                           .reply(Value::list({job("running", 1, 2)}))
                           .expect("query-jobs")
                           .reply(Value::list({job("concluded", 2, 2)}))
                           .expect("job-dismiss", id())
                           .event("JOB_STATUS_CHANGE", change("null"))
                           .reply()};
  ProgressLog log;
  run_job(*connect(server), maker(), {in(plenty), {}, &log});
  EXPECT_EQ(log.lines(), (std::vector<std::string>{"job 1/2", "job 2/2"}));
  EXPECT_EQ(server.finish(), "");
}

TEST(QmpJobs, RunFailsWithTheJobsOwnError) {
  FakeQmpServer server{ready_script()
                           .expect("blockdev-create")
                           .reply()
                           .expect("query-jobs")
                           .reply(Value::list({failed_job()}))
                           .expect("job-dismiss", id())
                           .reply()
                           .expect("blockdev-create")
                           .fail("GenericError", "Job ID 'j1' already in use")};
  const auto client = connect(server);
  const auto error = error_of([&] { run_job(*client, maker(), plenty); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::hypervisor_error);
  EXPECT_EQ(error->message(), "The job j1 (create) failed: Could not open '/x': No such file");
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), plenty); }), Errc::hypervisor_error);
  EXPECT_EQ(server.finish(), "");
}

/// A QEMU with one job that runs until it is cancelled, and which may be deaf to that.
struct OneJob {
  std::atomic<bool> running = true;
  std::atomic<bool> dismissed = false;
  bool deaf = false;

  QmpScript script() {
    return std::move(ready_script().serve({{"blockdev-create", [](const Value&) { return Value::map(); }},
                                           {"query-jobs",
                                            [this](const Value&) {
                                              return dismissed ? Value::list()
                                                               : Value::list({job(running ? "running" : "concluded")});
                                            }},
                                           {"job-cancel",
                                            [this](const Value&) {
                                              running = deaf;
                                              return Value::map();
                                            }},
                                           {"job-dismiss", [this](const Value&) {
                                              dismissed = true;
                                              return Value::map();
                                            }}}));
  }
};

TEST(QmpJobs, RunCancelsWhatItsCallerGivesUp) {
  OneJob qemu;
  FakeQmpServer server{qemu.script()};
  const auto client = connect(server);
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), 300ms); }), Errc::timeout);
  EXPECT_FALSE(qemu.running);
  EXPECT_TRUE(qemu.dismissed);

  qemu.running = true;
  qemu.dismissed = false;
  CancelSource cancel;
  CancelAtProgress canceller{cancel};
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), {in(plenty), cancel.token(), &canceller}); }), Errc::cancelled);
  EXPECT_TRUE(qemu.dismissed);
}

TEST(QmpJobs, RunLeavesAloneAJobOfTheNameWhenItsOwnWasNeverSent) {
  // A job of that name would be somebody else's: nothing at all is sent, not even a question.
  CancelSource cancelled;
  cancelled.cancel();
  FakeQmpServer server{ready_script().expect_end()};
  auto client = connect(server);
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), 0ms); }), Errc::timeout);
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), {in(plenty), cancelled.token()}); }), Errc::cancelled);
  EXPECT_EQ(code_of([&] { run_job(*client, {"", maker().arguments}, plenty); }), Errc::invalid_config);
  client.reset();
  EXPECT_EQ(server.finish(), "");

  // Room for the commands that would call it off, but not for the one that makes it.
  FakeQmpServer narrow{ready_script().expect_end()};
  client = connect(narrow, {.max_queued_bytes = 100});
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), plenty); }), Errc::exhausted);
  client.reset();
  EXPECT_EQ(narrow.finish(), "");

  FakeQmpServer full{ready_script().expect_end()};
  client = connect(full, {.max_unanswered = 0});
  EXPECT_EQ(code_of([&] { run_job(*client, maker(), plenty); }), Errc::exhausted);
  client.reset();
  EXPECT_EQ(full.finish(), "");
}

TEST(QmpJobs, RunSaysWhenAJobCannotBeCalledOff) {
  OneJob qemu;
  qemu.deaf = true;
  FakeQmpServer server{qemu.script()};
  const auto error = error_of([&] { run_job(*connect(server), maker(), 100ms); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Errc::timeout);
  EXPECT_NE(error->message().find("it could not be called off and may still run"), std::string::npos);
}

TEST(QmpJobs, WaitReturnsWhenTheJobWantsItsOwner) {
  FakeQmpServer server{ready_script()
                           .expect("query-jobs")
                           .reply(Value::list({job("running")}))
                           .event("JOB_STATUS_CHANGE", change("ready"))
                           .expect("query-jobs")
                           .reply(Value::list({job("ready")}))
                           .expect("query-jobs")
                           .reply(Value::list())
                           .expect("query-jobs")
                           .close()};
  const auto client = connect(server);
  EXPECT_EQ(wait_for_job(*client, "j1", plenty).status, "ready");
  EXPECT_EQ(code_of([&] { (void)wait_for_job(*client, "j1", plenty); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { (void)wait_for_job(*client, "j1", plenty); }), Errc::disconnected);
}

TEST(QmpJobs, MakersNameTheirArguments) {
  EXPECT_EQ(make_blockdev_backup("j", "a", "b").arguments,
            Value::map({{"job-id", "j"}, {"device", "a"}, {"target", "b"}, {"sync", "full"}, {"auto-dismiss", false}}));
  const auto saved =
      Value::map({{"job-id", "j"}, {"tag", "t"}, {"vmstate", "a"}, {"devices", Value::list({"a", "b"})}});
  EXPECT_EQ(make_snapshot_save("j", "t", "a", {"a", "b"}).arguments, saved);
  EXPECT_EQ(make_snapshot_load("j", "t", "a", {"a", "b"}).arguments, saved);
  EXPECT_EQ(make_snapshot_load("j", "t", "a", {}).name, "snapshot-load");
  EXPECT_EQ(make_snapshot_delete("j", "t", {"a"}).arguments,
            Value::map({{"job-id", "j"}, {"tag", "t"}, {"devices", Value::list({"a"})}}));
}

}  // namespace
}  // namespace visor::sdk::qmp
