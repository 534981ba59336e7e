/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All roles of the program: who may be re-executed as what. */
#ifndef BELLJAR_CMD_ROLES_H
#define BELLJAR_CMD_ROLES_H

#include "os/role.h"

extern const struct role *const roles[]; /* NULL-terminated */
extern const struct role rules_role;     /* rules-role.c */
extern const struct role sigma_role;     /* sigma-role.c */
extern const struct role evtx_role;      /* evtx-role.c */

#endif
