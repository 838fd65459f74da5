/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The interlock: nftables that cut off what the module did not judge.
 */
#ifndef LENSCAPD_INTERLOCK_H
#define LENSCAPD_INTERLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <ev.h>
#include <jansson.h>
#include <libmnl/libmnl.h>

#include "client.h"
#include "guards.h"
#include "interlock_plan.h"
#include "nft.h"

struct daemon;

/**
 * struct interlock_gap - when another program had changed the tables
 * @since: monotonic time at which it was heard of
 * @seconds: until they were whole again
 * @at: when
 * @pid: the process, or 0 if that is not known
 * @name: what it is called
 */
struct interlock_gap {
	double since;
	double seconds;
	time_t at;
	uint32_t pid;
	char name[32];
};

/**
 * struct interlock_link - an interface, and what it stands under or on
 * @index: its index
 * @master: index of the bridge, bond or such of which it is a port, or 0
 * @lower: of a VLAN device: index of what it stands on
 * @vlan: of a VLAN device: the VLAN id
 * @protocol: of a VLAN device: ETH_P_8021Q or ETH_P_8021AD
 * @ethernet: it has Ethernet's header
 * @bridge: it is a bridge
 * @takes_over: it takes over all that comes in by its ports, but for groups
 * @name: its name
 */
struct interlock_link {
	unsigned int index;
	unsigned int master;
	unsigned int lower;
	uint16_t vlan;
	uint16_t protocol;
	bool ethernet;
	bool bridge;
	bool takes_over;
	char name[IF_NAMESIZE];
};

/**
 * struct interlock_links - the interfaces
 * @items: they
 * @count: how many
 * @fresh: nothing was heard of a change since they were listed
 * @failed: they could not be listed the last time, which was said
 */
struct interlock_links {
	struct interlock_link *items;
	size_t count;
	bool fresh;
	bool failed;
};

/**
 * struct interlock - what is known about the tables
 * @daemon: for gateway.yaml, policy and module
 * @nft: to write and to look
 * @events: to hear of changes; NULL if they cannot be heard
 * @links: to hear of interfaces; NULL if they cannot be heard
 * @watch_events: I/O on @events
 * @watch_links: I/O on @links
 * @under: the interfaces, as they stand on one another
 * @next: a gateway.yaml that is about to be taken, whose devices are covered as
 *	well, or NULL
 * @have: what was written last
 * @places: what is kept of that over a restart, or NULL
 * @hold: where nothing is to pass until interlock_release()
 * @let_go: which ends what is held of ports that are under no guard any more, too
 * @whole: @have is what is there
 * @absent: the tables are not there, and are not to be
 * @no_bridge: this kernel does not filter on bridges
 * @generation: of the rules, up to which all changes are known
 * @open: object: names of guards that are let through unjudged
 * @touched: the tables were changed by another program
 * @told: and @gap tells who it was
 * @restored: how often that was undone
 * @gap: the last time, or the one that has not ended
 * @burst: when @restored of the last few began: see may_restore()
 * @in_burst: how many since then
 * @retry: monotonic time before which a failed writing is not tried again
 * @patience: seconds until the next time after that
 * @error: why the tables are not as they should be, or NULL; to be freed
 * @unavailable: this kernel has no nf_tables
 */
struct interlock {
	struct daemon *daemon;
	struct nft nft;
	struct mnl_socket *events;
	struct mnl_socket *links;
	ev_io watch_events;
	ev_io watch_links;
	struct interlock_links under;
	const struct gateway *next;
	struct interlock_plan have;
	json_t *places;
	struct guard_places hold;
	bool let_go;
	bool whole;
	bool absent;
	bool no_bridge;
	uint32_t generation;
	json_t *open;
	bool touched;
	bool told;
	uint64_t restored;
	struct interlock_gap gap;
	double burst;
	unsigned int in_burst;
	double retry;
	double patience;
	char *error;
	bool unavailable;
};

/* interlock.c */
double interlock_now(void);
void interlock_init(struct interlock *lock, struct daemon *daemon);
void interlock_free(struct interlock *lock);
void interlock_update(struct interlock *lock);
void interlock_expect(struct interlock *lock, const struct policy *next);
void interlock_open_guard(struct interlock *lock, const char *name);
void interlock_close_guard(struct interlock *lock, const char *name);
void interlock_hold(struct interlock *lock, struct guard_places *places);
void interlock_release(struct interlock *lock);
bool interlock_is_open(const struct interlock *lock, const char *name);
void interlock_tick(struct interlock *lock);
void interlock_touched(struct interlock *lock);
void interlock_forget(struct interlock *lock);
bool interlock_wanted(const struct interlock *lock);
const char *interlock_cut(const struct interlock *lock);

/* interlock_write.c */
void interlock_write(struct interlock *lock, struct interlock_plan *plan);
void interlock_write_guards(struct interlock *lock,
			    const struct interlock_plan *plan);
void interlock_write_nothing(struct interlock *lock);

/* interlock_want.c */
void interlock_want_guards(struct interlock *lock, struct interlock_plan *plan);
void interlock_want(struct interlock *lock, struct interlock_plan *plan,
		    const struct policy *next);

/* interlock_under.c */
void under_refresh(struct interlock_links *links);
void under_free(struct interlock_links *links);
void under_guards(const struct interlock_links *links,
		  const struct interlock_plan *before,
		  struct interlock_plan *plan);

/* interlock_place.c */
void interlock_keep_places(struct interlock *lock);
void interlock_load_places(struct interlock *lock);

/* interlock_watch.c */
void interlock_listen(struct interlock *lock);
void interlock_deafen(struct interlock *lock, bool deaf);
bool interlock_hear(struct interlock *lock);
void interlock_unlisten(struct interlock *lock);

/* interlock_show.c */
json_t *interlock_show(struct interlock *lock);

#endif /* LENSCAPD_INTERLOCK_H */
