/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Places for machines: at most N run at the same time on this computer (setting
 * `machines`), whoever starts them. A place is a locked file in the cache
 * folder, so a place of a process that died is free at once. Users who may only
 * read the cache folder count their machines by themselves, in their data folder.
 */
#ifndef BELLJAR_CASE_SLOT_H
#define BELLJAR_CASE_SLOT_H

#include "base/err.h"

/*
 * Waits for a place; `wait` is called about twice a second meanwhile, and ends
 * the waiting by anything but 0 (result -ECANCELED).
 */
int slot_take(unsigned slots, int (*wait)(void *context), void *context, int *ret_slot, struct err *e);
void slot_leave(int *slot); /* takes -1 */

#endif
