// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "visor/core/call.hpp"
#include "visor/core/value.hpp"
#include "visor/sdk/export.h"
#include "visor/sdk/qmp/client.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace visor::sdk::qmp {

/// A job of QEMU: work in the background under a name.
struct JobInfo {
  std::string id = {};
  std::string type = {};                  ///< "create", "backup", "snapshot-save", …
  std::string status = {};                ///< "running", "ready", "pending", "concluded", … (qemu: qapi/job.json)
  std::uint64_t done = 0;                 ///< in a unit of the job's own
  std::uint64_t total = 0;                ///< may grow
  std::optional<std::string> error = {};  ///< of one that failed
};

/// Typed commands. All [any thread] [blocks]; deadlines and errors as Client::call(). One in a state that does not
/// allow it, or of an unknown name, is refused by QEMU.
VISOR_SDK_EXPORT std::vector<JobInfo> query_jobs(Client& client, const CallContext& call);
VISOR_SDK_EXPORT void job_cancel(Client& client, const std::string& id, const CallContext& call);
VISOR_SDK_EXPORT void job_complete(Client& client, const std::string& id, const CallContext& call);
VISOR_SDK_EXPORT void job_finalize(Client& client, const std::string& id, const CallContext& call);
/// Forgets a concluded job, and with it why it failed.
VISOR_SDK_EXPORT void job_dismiss(Client& client, const std::string& id, const CallContext& call);

/// Waits until a job has concluded, or wants its owner: "ready" (job_complete) or "pending" (job_finalize). [blocks]
/// Followed by JOB_STATUS_CHANGE and by asking; progress is reported as "job". Throws not_found when there is no such
/// job (any more): one that dismisses itself leaves no result. A failed job is returned, with its error.
VISOR_SDK_EXPORT JobInfo wait_for_job(Client& client, const std::string& id, const CallContext& call);

/// How long a job that is called off may take to end, after the deadline of its caller.
inline constexpr std::chrono::milliseconds job_cancel_limit{2000};

/// Starts a job with a command of make_…(), waits for its end and dismisses it. [blocks] Throws hypervisor_error with
/// the job's own error when it fails. On timeout and cancellation it is cancelled and dismissed, for which it takes up
/// to job_cancel_limit longer; the error says so when QEMU does not end it in that time.
VISOR_SDK_EXPORT void run_job(Client& client, const Command& maker, const CallContext& call);

/// Commands that start a job, for run_job(). They conclude by themselves and stay until they are dismissed.
///
/// Makes an image. `options` are those of blockdev-create for its driver: {"driver": "file", "filename": …, "size": …}.
VISOR_SDK_EXPORT Command make_blockdev_create(std::string job, Value options);
/// Copies all of a block node into another one.
VISOR_SDK_EXPORT Command make_blockdev_backup(std::string job, std::string node, std::string target_node);
/// Snapshots inside of images: the machine's state goes to the node `vmstate`, the disks' to `nodes`, all under a tag.
/// Only nodes of formats with snapshots (qcow2). The VM stands still while its state is saved or loaded.
VISOR_SDK_EXPORT Command make_snapshot_save(std::string job, std::string tag, std::string vmstate,
                                            const std::vector<std::string>& nodes);
VISOR_SDK_EXPORT Command make_snapshot_load(std::string job, std::string tag, std::string vmstate,
                                            const std::vector<std::string>& nodes);
VISOR_SDK_EXPORT Command make_snapshot_delete(std::string job, std::string tag, const std::vector<std::string>& nodes);

}  // namespace visor::sdk::qmp
