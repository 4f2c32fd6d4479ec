// SPDX-License-Identifier: Apache-2.0
#include "visor/sdk/qmp/commands/jobs.hpp"

#include "qmp/answer.hpp"
#include "qmp/follow.hpp"

#include <algorithm>
#include <utility>

namespace visor::sdk::qmp {
namespace {

void job_verb(Client& client, std::string_view command, const std::string& id, const CallContext& call) {
  tell(client, command, Value::map({{"id", id}}), call);
}

Value names(const std::vector<std::string>& list) {
  auto out = Value::list();
  for (const auto& name : list) out.push_back(name);
  return out;
}

JobInfo find_job(Client& client, const std::string& id, const CallContext& call) {
  auto jobs = query_jobs(client, call);
  const auto job = std::find_if(jobs.begin(), jobs.end(), [&](const JobInfo& it) { return it.id == id; });
  if (job == jobs.end()) throw Error(Errc::not_found, "QEMU has no job " + id + " (any more)");
  return std::move(*job);
}

/// Waits until a job has one of these states.
JobInfo follow(Client& client, EventQueue& queue, const std::string& id, const std::vector<std::string_view>& states,
               const CallContext& call) {
  while (true) {
    auto job = find_job(client, id, call);
    call.report("job", job.done, job.total);
    if (std::find(states.begin(), states.end(), job.status) != states.end()) return job;
    (void)next_event(queue, call, "the job " + id);
  }
}

/// Ends a job whose caller has given up; true when it is gone.
bool call_off(Client& client, EventQueue& queue, const std::string& id) noexcept {
  const CallContext own{job_cancel_limit};
  try {
    // Refused when it has concluded meanwhile.
    (void)client.call(Command{"job-cancel", Value::map({{"id", id}})}, own);
    (void)follow(client, queue, id, {"concluded"}, own);
    job_dismiss(client, id, own);
    return true;
  } catch (const Error& error) {
    return error.code() == Errc::not_found;
  } catch (...) {
    return false;
  }
}

}  // namespace

std::vector<JobInfo> query_jobs(Client& client, const CallContext& call) {
  return ask(client, "query-jobs", {}, call, [](const Answer& answer) {
    std::vector<JobInfo> jobs;
    answer.each([&](const Answer& job) {
      jobs.push_back({job.text("id"), job.text("type"), job.text("status"), job.integer("current-progress"),
                      job.integer("total-progress"), job.find_text("error")});
    });
    return jobs;
  });
}

void job_cancel(Client& client, const std::string& id, const CallContext& call) {
  job_verb(client, "job-cancel", id, call);
}

void job_complete(Client& client, const std::string& id, const CallContext& call) {
  job_verb(client, "job-complete", id, call);
}

void job_finalize(Client& client, const std::string& id, const CallContext& call) {
  job_verb(client, "job-finalize", id, call);
}

void job_dismiss(Client& client, const std::string& id, const CallContext& call) {
  job_verb(client, "job-dismiss", id, call);
}

JobInfo wait_for_job(Client& client, const std::string& id, const CallContext& call) {
  const auto queue = client.subscribe({"JOB_STATUS_CHANGE"}, 64);
  return follow(client, *queue, id, {"concluded", "ready", "pending"}, call);
}

void run_job(Client& client, const Command& maker, const CallContext& call) {
  const auto& id = maker.arguments.at("job-id").as_string();
  const auto queue = client.subscribe({"JOB_STATUS_CHANGE"}, 64);
  const auto begun = client.call(maker, call);
  // One that was refused or never sent never began: what has its name now is somebody else's.
  const auto* const refusal = begun.error();
  if (refusal && (refusal->code == Errc::hypervisor_error || refusal->unsent)) refusal->raise();
  JobInfo job;
  try {
    (void)begun.value();
    job = follow(client, *queue, id, {"concluded"}, call);
  } catch (const Error& error) {
    if (error.code() == Errc::disconnected || error.code() == Errc::not_found || call_off(client, *queue, id)) throw;
    throw Error(error.code(), error.message() + "; it could not be called off and may still run");
  }
  // It has ended: what its caller waits for no longer depends on the rest of the caller's time.
  job_dismiss(client, id, CallContext{job_cancel_limit});
  if (job.error) throw Error(Errc::hypervisor_error, "The job " + id + " (" + job.type + ") failed: " + *job.error);
}

Command make_blockdev_create(std::string job, Value options) {
  return {"blockdev-create", Value::map({{"job-id", std::move(job)}, {"options", std::move(options)}})};
}

Command make_blockdev_backup(std::string job, std::string node, std::string target_node) {
  return {"blockdev-backup", Value::map({{"job-id", std::move(job)},
                                         {"device", std::move(node)},
                                         {"target", std::move(target_node)},
                                         {"sync", "full"},
                                         {"auto-dismiss", false}})};
}

Command make_snapshot_save(std::string job, std::string tag, std::string vmstate,
                           const std::vector<std::string>& nodes) {
  return {"snapshot-save", Value::map({{"job-id", std::move(job)},
                                       {"tag", std::move(tag)},
                                       {"vmstate", std::move(vmstate)},
                                       {"devices", names(nodes)}})};
}

Command make_snapshot_load(std::string job, std::string tag, std::string vmstate,
                           const std::vector<std::string>& nodes) {
  auto command = make_snapshot_save(std::move(job), std::move(tag), std::move(vmstate), nodes);
  command.name = "snapshot-load";
  return command;
}

Command make_snapshot_delete(std::string job, std::string tag, const std::vector<std::string>& nodes) {
  return {"snapshot-delete",
          Value::map({{"job-id", std::move(job)}, {"tag", std::move(tag)}, {"devices", names(nodes)}})};
}

}  // namespace visor::sdk::qmp
