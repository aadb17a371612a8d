/* SPDX-License-Identifier: BSD-2-Clause */
/* One function per verb; each returns an exit status. */
#ifndef PYLEAK_VERBS_H
#define PYLEAK_VERBS_H

#include "cli/options.h"
#include "cli/session.h"

int verb_watch(const struct options *options);
int verb_run(const struct options *options);
int verb_types(const struct options *options);
int verb_growth(const struct options *options);
int verb_stat(const struct options *options);
int verb_doctor(const struct options *options);
int verb_backrefs(const struct options *options);
int verb_cycles(const struct options *options);
int verb_snapshot(const struct options *options);
int verb_diff(const struct options *options);
int verb_sites(const struct options *options);
/* types --all, or of a saved snapshot. */
int verb_all_types(const struct options *options);

/* The main job on an open session: watches, judges, reports. */
int watch_session(struct session *session);

#endif
