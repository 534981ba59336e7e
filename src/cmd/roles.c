/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/roles.h"

#include "api/web.h"
#include "case/artefacts.h"
#include "case/observe.h"
#include "case/runner.h"
#include "detect/unpack.h"
#include "detect/yara/role.h"
#include "net/netrole.h"
#include "queue/queue.h"
#include "triage/triage.h"

const struct role *const roles[] = {&runner_role, &net_role,    &triage_role, &observe_role, &unpack_role,
                                    &rules_role,  &yara_role,   &sigma_role,  &evtx_role,    &artefacts_role,
                                    &web_role,    &worker_role, NULL};
