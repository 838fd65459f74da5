/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon knows at one moment, in as little memory as the metrics need.
 */
#ifndef LENSCAP_EXPORTER_SCRAPE_H
#define LENSCAP_EXPORTER_SCRAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef LENSCAP_VERSION
#define LENSCAP_VERSION "0.1.0"
#endif

/* What is counted per guard, reason, device, profile or chain. */
enum count {
	PASSED_PACKETS,
	PASSED_BYTES,
	DROPPED_PACKETS,
	DROPPED_BYTES,
	WOULD_PACKETS,
	WOULD_BYTES,
	COUNTS,
};

/* Figures of which there is one. */
enum figure {
	DAEMON_UP,
	MODULE_LOADED,
	CONFIG_LAST_GOOD,
	POLICY_GENERATION,
	POLICY_REVISION,
	POLICY_APPLIED,		/* milliseconds since the epoch */
	GUARDS,
	GUARDS_ARMED,
	DEVICES,
	UNKNOWN_DEVICES,
	RECORDS_LOST,
	EVENTS_LOST,
	RECORDS_UNLOGGED,
	FRAGMENTS_LOST,
	INTERLOCK_IN_PLACE,
	FIGURES,
};

/**
 * struct item - what has counters
 * @name: guard, device, profile or chain; a place in the pool of texts
 * @other: reason of a guard, profile of a device
 * @count: the counters
 * @seen: last seen, milliseconds since the epoch; 0: never
 * @destinations: that drop records name
 * @devices: of a profile
 */
struct item {
	size_t name, other;
	uint64_t count[COUNTS];
	int64_t seen;
	unsigned int destinations, devices;
};

struct item_list {
	struct item *items;
	size_t count;
};

/* What a guard is; places in the pool of texts. */
struct guard {
	size_t name, interface, vlan, identity, mode;
	bool armed;
};

/**
 * struct snapshot - the state that one scrape has read
 * @texts: pool of texts, each ending in NUL; the first is empty
 * @texts_len: bytes in it
 * @has: which of @figure are known
 * @figure: those of which there is one
 * @module_version: text
 * @guards: what guards there are
 * @nguards: how many
 * @passed: a guard each
 * @reasons: a guard and reason each
 * @chains: a chain of the interlock each
 * @subjects: devices, or profiles if so wanted
 */
struct snapshot {
	char *texts;
	size_t texts_len;
	bool has[FIGURES];
	uint64_t figure[FIGURES];
	size_t module_version;
	struct guard *guards;
	size_t nguards;
	struct item_list passed, reasons, chains, subjects;
};

/**
 * struct source - where to read from, and how
 * @socket: the daemon's control socket
 * @seconds: for all of a scrape
 * @profiles: whether to add devices up by profile
 */
struct source {
	const char *socket;
	unsigned int seconds;
	bool profiles;
};

struct snapshot *scrape(const struct source *source);
void snapshot_free(struct snapshot *snapshot);

static inline const char *snapshot_text(const struct snapshot *snapshot,
					size_t place)
{
	return snapshot->texts + place;
}

#endif /* LENSCAP_EXPORTER_SCRAPE_H */
