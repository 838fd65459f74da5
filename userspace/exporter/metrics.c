// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metrics: their names, what they mean, and a snapshot's values for them.
 *
 * No label is ever a destination, an address or a MAC of a frame: how many
 * series there are follows from the policy and gateway.yaml, and a camera that
 * calls a million addresses adds none.
 *
 * The text of 50,000 devices has 30 MB. It is written a sample at a time, so
 * that a slow reader holds a snapshot, not the text.
 */
#include "metrics.h"

/* What the samples of a family are. */
enum rows {
	ROWS_FIGURE,
	ROWS_FIGURE_SECONDS,
	ROWS_EXPORTER_INFO,
	ROWS_MODULE_INFO,
	ROWS_GUARD_INFO,
	ROWS_GUARD_ARMED,
	ROWS_GUARD,
	ROWS_REASON,
	ROWS_CHAIN,
	ROWS_SUBJECT,
	ROWS_SUBJECT_SEEN,
	ROWS_SUBJECT_DESTINATIONS,
	ROWS_SUBJECT_DEVICES,
};

enum subject {
	OF_ALL,			/* written whatever the subjects are */
	OF_DEVICES,
	OF_PROFILES,
};

/**
 * struct family - one metric
 * @name: without the suffix that follows from @type
 * @type: of its samples
 * @rows: which samples it has
 * @which: figure or counter, as @rows has it
 * @of: which subjects it is for
 * @unit: with which @name ends, or NULL
 * @help: for people
 */
struct family {
	const char *name;
	enum metric_type type;
	enum rows rows;
	unsigned int which;
	enum subject of;
	const char *unit;
	const char *help;
};

static const struct family families[] = {
	{ "lenscap_exporter", METRIC_INFO, ROWS_EXPORTER_INFO, 0, OF_ALL,
	  NULL, "The exporter's version." },
	{ "lenscap_daemon_up", METRIC_GAUGE, ROWS_FIGURE, DAEMON_UP, OF_ALL,
	  NULL, "Whether lenscapd answered; without it, nothing else is known." },
	{ "lenscap_module", METRIC_INFO, ROWS_MODULE_INFO, 0, OF_ALL,
	  NULL, "The kernel module's version." },
	{ "lenscap_module_loaded", METRIC_GAUGE, ROWS_FIGURE, MODULE_LOADED,
	  OF_ALL, NULL, "Whether the kernel module is loaded." },
	{ "lenscap_config_last_good", METRIC_GAUGE, ROWS_FIGURE,
	  CONFIG_LAST_GOOD, OF_ALL, NULL,
	  "Whether gateway.yaml is broken and its last good copy is in effect." },
	{ "lenscap_policy_generation", METRIC_GAUGE, ROWS_FIGURE,
	  POLICY_GENERATION, OF_ALL, NULL,
	  "Generation of the live policy, 0 if there is none." },
	{ "lenscap_policy_revision", METRIC_GAUGE, ROWS_FIGURE,
	  POLICY_REVISION, OF_ALL, NULL, "Revision of the live policy." },
	{ "lenscap_policy_applied_timestamp_seconds", METRIC_GAUGE,
	  ROWS_FIGURE_SECONDS, POLICY_APPLIED, OF_ALL, "seconds",
	  "When the live policy was applied." },
	{ "lenscap_guards", METRIC_GAUGE, ROWS_FIGURE, GUARDS, OF_ALL,
	  NULL, "Guards that gateway.yaml names." },
	{ "lenscap_guards_armed", METRIC_GAUGE, ROWS_FIGURE, GUARDS_ARMED,
	  OF_ALL, NULL, "Guards whose frames are judged." },
	{ "lenscap_guard", METRIC_INFO, ROWS_GUARD_INFO, 0, OF_ALL,
	  NULL, "What a guard is." },
	{ "lenscap_guard_armed", METRIC_GAUGE, ROWS_GUARD_ARMED, 0, OF_ALL,
	  NULL, "Whether the guard's frames are judged." },
	{ "lenscap_guard_passed_packets", METRIC_COUNTER, ROWS_GUARD,
	  PASSED_PACKETS, OF_ALL, "packets",
	  "Packets that passed the guard." },
	{ "lenscap_guard_passed_bytes", METRIC_COUNTER, ROWS_GUARD,
	  PASSED_BYTES, OF_ALL, "bytes", "Bytes that passed the guard." },
	{ "lenscap_guard_dropped_packets", METRIC_COUNTER, ROWS_REASON,
	  DROPPED_PACKETS, OF_ALL, "packets",
	  "Packets that were dropped at the guard." },
	{ "lenscap_guard_dropped_bytes", METRIC_COUNTER, ROWS_REASON,
	  DROPPED_BYTES, OF_ALL, "bytes",
	  "Bytes that were dropped at the guard." },
	{ "lenscap_guard_would_drop_packets", METRIC_COUNTER, ROWS_REASON,
	  WOULD_PACKETS, OF_ALL, "packets",
	  "Packets that passed in audit mode and would have been dropped." },
	{ "lenscap_guard_would_drop_bytes", METRIC_COUNTER, ROWS_REASON,
	  WOULD_BYTES, OF_ALL, "bytes",
	  "Bytes that passed in audit mode and would have been dropped." },
	{ "lenscap_devices", METRIC_GAUGE, ROWS_FIGURE, DEVICES, OF_ALL,
	  NULL, "Devices that the live policy names." },
	{ "lenscap_unknown_devices", METRIC_GAUGE, ROWS_FIGURE,
	  UNKNOWN_DEVICES, OF_ALL, NULL,
	  "Distinct MACs of unknown devices in the list of drops." },
	{ "lenscap_device_passed_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  PASSED_PACKETS, OF_DEVICES, "packets",
	  "Packets of the device that passed." },
	{ "lenscap_device_passed_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  PASSED_BYTES, OF_DEVICES, "bytes",
	  "Bytes of the device that passed." },
	{ "lenscap_device_dropped_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  DROPPED_PACKETS, OF_DEVICES, "packets",
	  "Packets of the device that were dropped." },
	{ "lenscap_device_dropped_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  DROPPED_BYTES, OF_DEVICES, "bytes",
	  "Bytes of the device that were dropped." },
	{ "lenscap_device_would_drop_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  WOULD_PACKETS, OF_DEVICES, "packets",
	  "Packets of the device that audit mode alone let pass." },
	{ "lenscap_device_would_drop_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  WOULD_BYTES, OF_DEVICES, "bytes",
	  "Bytes of the device that audit mode alone let pass." },
	{ "lenscap_device_last_seen_timestamp_seconds", METRIC_GAUGE,
	  ROWS_SUBJECT_SEEN, 0, OF_DEVICES, "seconds",
	  "When the device was last seen." },
	{ "lenscap_device_denied_destinations", METRIC_GAUGE,
	  ROWS_SUBJECT_DESTINATIONS, 0, OF_DEVICES, NULL,
	  "Distinct destinations of the device in the list of drops, audited ones too." },
	{ "lenscap_profile_passed_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  PASSED_PACKETS, OF_PROFILES, "packets",
	  "Packets of the profile's devices that passed." },
	{ "lenscap_profile_passed_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  PASSED_BYTES, OF_PROFILES, "bytes",
	  "Bytes of the profile's devices that passed." },
	{ "lenscap_profile_dropped_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  DROPPED_PACKETS, OF_PROFILES, "packets",
	  "Packets of the profile's devices that were dropped." },
	{ "lenscap_profile_dropped_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  DROPPED_BYTES, OF_PROFILES, "bytes",
	  "Bytes of the profile's devices that were dropped." },
	{ "lenscap_profile_would_drop_packets", METRIC_COUNTER, ROWS_SUBJECT,
	  WOULD_PACKETS, OF_PROFILES, "packets",
	  "Packets of the profile's devices that audit mode alone let pass." },
	{ "lenscap_profile_would_drop_bytes", METRIC_COUNTER, ROWS_SUBJECT,
	  WOULD_BYTES, OF_PROFILES, "bytes",
	  "Bytes of the profile's devices that audit mode alone let pass." },
	{ "lenscap_profile_last_seen_timestamp_seconds", METRIC_GAUGE,
	  ROWS_SUBJECT_SEEN, 0, OF_PROFILES, "seconds",
	  "When a device of the profile was last seen." },
	{ "lenscap_profile_denied_destinations", METRIC_GAUGE,
	  ROWS_SUBJECT_DESTINATIONS, 0, OF_PROFILES, NULL,
	  "Distinct destinations of the profile's devices in the list of drops, audited ones too." },
	{ "lenscap_profile_devices", METRIC_GAUGE, ROWS_SUBJECT_DEVICES, 0,
	  OF_PROFILES, NULL, "Devices of the profile." },
	{ "lenscap_records_lost", METRIC_COUNTER, ROWS_FIGURE, RECORDS_LOST,
	  OF_ALL, NULL, "Frames that found no place in the table of drop records." },
	{ "lenscap_events_lost", METRIC_COUNTER, ROWS_FIGURE, EVENTS_LOST,
	  OF_ALL, NULL, "Events that the module suppressed to bound their rate." },
	{ "lenscap_records_unlogged", METRIC_COUNTER, ROWS_FIGURE,
	  RECORDS_UNLOGGED, OF_ALL, NULL,
	  "Drop records that an output of the daemon did not take, of all outputs." },
	{ "lenscap_fragments_lost", METRIC_COUNTER, ROWS_FIGURE,
	  FRAGMENTS_LOST, OF_ALL, NULL,
	  "Packets in fragments that had no place in their table, or lost it." },
	{ "lenscap_interlock_in_place", METRIC_GAUGE, ROWS_FIGURE,
	  INTERLOCK_IN_PLACE, OF_ALL, NULL,
	  "Whether all of the interlock is in place." },
	{ "lenscap_interlock_dropped_packets", METRIC_COUNTER, ROWS_CHAIN,
	  DROPPED_PACKETS, OF_ALL, "packets",
	  "Packets that the interlock dropped." },
	{ "lenscap_interlock_dropped_bytes", METRIC_COUNTER, ROWS_CHAIN,
	  DROPPED_BYTES, OF_ALL, "bytes", "Bytes that the interlock dropped." },
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* Of how many samples a family is, before those that are left out. */
static size_t count_rows(const struct snapshot *snapshot,
			 const struct family *family)
{
	switch (family->rows) {
	case ROWS_FIGURE:
	case ROWS_FIGURE_SECONDS:
		return snapshot->has[family->which];
	case ROWS_EXPORTER_INFO:
		return 1;
	case ROWS_MODULE_INFO:
		return snapshot->figure[MODULE_LOADED];
	case ROWS_GUARD_INFO:
	case ROWS_GUARD_ARMED:
		return snapshot->nguards;
	case ROWS_GUARD:
		return snapshot->passed.count;
	case ROWS_REASON:
		return snapshot->reasons.count;
	case ROWS_CHAIN:
		return snapshot->chains.count;
	default:
		return snapshot->subjects.count;
	}
}

static bool left_out(const struct snapshot *snapshot,
		     const struct family *family, size_t row)
{
	if (family->rows == ROWS_SUBJECT_SEEN)
		return snapshot->subjects.items[row].seen <= 0;
	if (family->rows == ROWS_SUBJECT_DESTINATIONS)
		return !snapshot->subjects.items[row].destinations;
	return false;
}

static void put_sample(struct out *out, const struct family *family,
		       const struct label *labels, size_t count)
{
	format_sample(out, family->name, family->type, labels, count);
}

static void put_guard(struct out *out, const struct snapshot *snapshot,
		      const struct family *family, const struct guard *guard)
{
	const struct label labels[] = {
		{ "guard", snapshot_text(snapshot, guard->name) },
		{ "interface", snapshot_text(snapshot, guard->interface) },
		{ "vlan", snapshot_text(snapshot, guard->vlan) },
		{ "identity", snapshot_text(snapshot, guard->identity) },
		{ "mode", snapshot_text(snapshot, guard->mode) },
	};
	bool info = family->rows == ROWS_GUARD_INFO;

	put_sample(out, family, labels,
		   info ? sizeof(labels) / sizeof(labels[0]) : 1);
	format_number(out, info || guard->armed);
}

/* An item with the labels of its kind. */
static void put_item(struct out *out, const struct snapshot *snapshot,
		     const struct family *family, const struct item *item,
		     const char *name, const char *other)
{
	const struct label labels[] = {
		{ name, snapshot_text(snapshot, item->name) },
		{ other, snapshot_text(snapshot, item->other) },
	};

	put_sample(out, family, labels, other ? 2 : 1);
	switch (family->rows) {
	case ROWS_SUBJECT_SEEN:
		format_seconds(out, (uint64_t)item->seen);
		break;
	case ROWS_SUBJECT_DESTINATIONS:
		format_number(out, item->destinations);
		break;
	case ROWS_SUBJECT_DEVICES:
		format_number(out, item->devices);
		break;
	default:
		format_number(out, item->count[family->which]);
	}
}

static void put_version(struct out *out, const struct family *family,
			const char *version)
{
	const struct label label = { "version", version };

	put_sample(out, family, &label, 1);
	format_number(out, 1);
}

static void put_row(struct out *out, const struct snapshot *snapshot,
		    const struct family *family, size_t row)
{
	switch (family->rows) {
	case ROWS_FIGURE:
		put_sample(out, family, NULL, 0);
		format_number(out, snapshot->figure[family->which]);
		break;
	case ROWS_FIGURE_SECONDS:
		put_sample(out, family, NULL, 0);
		format_seconds(out, snapshot->figure[family->which]);
		break;
	case ROWS_EXPORTER_INFO:
		put_version(out, family, LENSCAP_VERSION);
		break;
	case ROWS_MODULE_INFO:
		put_version(out, family,
			    snapshot_text(snapshot, snapshot->module_version));
		break;
	case ROWS_GUARD_INFO:
	case ROWS_GUARD_ARMED:
		put_guard(out, snapshot, family, &snapshot->guards[row]);
		break;
	case ROWS_GUARD:
		put_item(out, snapshot, family, &snapshot->passed.items[row],
			 "guard", NULL);
		break;
	case ROWS_REASON:
		put_item(out, snapshot, family, &snapshot->reasons.items[row],
			 "guard", "reason");
		break;
	case ROWS_CHAIN:
		put_item(out, snapshot, family, &snapshot->chains.items[row],
			 "chain", NULL);
		break;
	default:
		put_item(out, snapshot, family, &snapshot->subjects.items[row],
			 family->of == OF_PROFILES ? "profile" : "device",
			 family->of == OF_PROFILES ? NULL : "profile");
	}
}

/* A family without samples is not mentioned. */
static void put_next(struct page *page, const struct family *family,
		     struct out *out)
{
	size_t row = page->row++;

	if (left_out(page->snapshot, family, row))
		return;
	if (!page->headed)
		format_header(out, page->format, family->name, family->type,
			      family->unit, family->help);
	page->headed = true;
	put_row(out, page->snapshot, family, row);
}

/**
 * page_next() - write on
 * @page: zeroed at first, but for what to write
 * @out: text is added to it, a few lines at most, perhaps none
 *
 * Return: whether there may be more.
 */
bool page_next(struct page *page, struct out *out)
{
	enum subject other = page->profiles ? OF_DEVICES : OF_PROFILES;

	while (page->family < FAMILIES) {
		const struct family *family = &families[page->family];

		if (family->of != other &&
		    page->row < count_rows(page->snapshot, family)) {
			put_next(page, family, out);
			return true;
		}
		page->family++;
		page->row = 0;
		page->headed = false;
	}
	if (!page->ended)
		format_end(out, page->format);
	page->ended = true;
	return false;
}
