/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LENSCAP_EVENT_H
#define _LENSCAP_EVENT_H

#include "lenscap.h"

struct lenscap_guard;
struct lenscap_record;

void lenscap_event_record(struct lenscap_net *ln,
			  const struct lenscap_record *record);
void lenscap_event_generation(struct lenscap_net *ln,
			      const struct lenscap_generation *gen);
void lenscap_event_stop(void);
void lenscap_event_guard(struct lenscap_net *ln,
			 const struct lenscap_guard *guard, u8 state);

#endif /* _LENSCAP_EVENT_H */
