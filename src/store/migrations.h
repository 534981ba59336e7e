/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schema, as steps: row n brings version n to n + 1. A released row never
 * changes; a change of the schema is one row more. What the tables mean is said
 * where they are made.
 */
#ifndef BELLJAR_STORE_MIGRATIONS_H
#define BELLJAR_STORE_MIGRATIONS_H

extern const char *const store_migrations[];
extern const unsigned store_nmigrations;

#endif
