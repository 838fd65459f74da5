// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that may speak as others: bound to a prefix that holds their address.
 *
 * A prefix is what cameras of a DHCP server's pool are bound to. One that also
 * holds an address which somebody bound to a single device is most likely wider
 * than it was meant to be, and is told: its device may send from that address,
 * and answer ARP and ND for it.
 */
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "address.h"
#include "diag.h"
#include "parse.h"

/* An address of one device alone. Borrowed from the policy, which stays as it is. */
struct host {
	const struct policy_prefix *prefix;
	const char *guard;		/* empty: any */
	size_t device;
};

struct hosts {
	struct host *items;
	size_t count;
};

static int by_address(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	return prefix_compare(x->prefix, y->prefix);
}

static int by_guard(const void *a, const void *b)
{
	const struct host *x = a, *y = b;
	int order = strcmp(x->guard, y->guard);

	return order ? order : by_address(a, b);
}

static void collect(const struct policy *policy, struct hosts *hosts)
{
	for (size_t i = 0; i < policy->ndevices; i++) {
		const struct policy_device *device = &policy->devices[i];

		for (size_t j = 0; j < device->naddrs; j++) {
			if (!prefix_is_host(&device->addrs[j]))
				continue;
			hosts->items = mem_array_room(hosts->items,
						      hosts->count, 1,
						      sizeof(*hosts->items));
			hosts->items[hosts->count++] = (struct host){
				.prefix = &device->addrs[j],
				.guard = device->guard ? device->guard : "",
				.device = i,
			};
		}
	}
}

/*
 * The first that lies within a prefix and is not of the device itself, which
 * has few. @guard: of these alone, which are sorted by it; NULL: of all.
 */
static const struct host *find_within(const struct hosts *hosts,
				      const struct policy_prefix *prefix,
				      const char *guard, size_t device)
{
	struct host from = { .prefix = prefix, .guard = guard };
	int (*order)(const void *a, const void *b) =
		guard ? by_guard : by_address;
	size_t low = 0, high = hosts->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&hosts->items[middle], &from) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < hosts->count; low++) {
		const struct host *host = &hosts->items[low];

		if (!prefix_contains(prefix, host->prefix) ||
		    (guard && strcmp(host->guard, guard) != 0))
			return NULL;
		if (host->device != device)
			return host;
	}
	return NULL;
}

static void warn(struct parse *parse, size_t device,
		 const struct policy_prefix *prefix, const struct host *host)
{
	const struct policy_device *devices = parse->policy->devices;
	char wide[PREFIX_TEXT], narrow[PREFIX_TEXT];

	diag_warning(parse->diag, parse->places[device].file,
		     parse->places[device].line, 0,
		     "device \"%s\": its %s holds %s of device \"%s\", so that it may send as that one: bind it to what it has alone",
		     devices[device].name, prefix_format(prefix, wide),
		     prefix_format(host->prefix, narrow),
		     devices[host->device].name);
}

/**
 * overlaps_warn() - warn of prefixes that hold another device's address
 * @parse: a policy without errors so far
 *
 * Once for each prefix, if both devices can be on one guard.
 */
void overlaps_warn(struct parse *parse)
{
	const struct policy *policy = parse->policy;
	struct hosts all = { 0 }, sorted = { 0 };

	collect(policy, &all);
	if (!all.items)
		return;
	sorted.count = all.count;
	sorted.items = mem_alloc(all.count * sizeof(*all.items));
	memcpy(sorted.items, all.items, all.count * sizeof(*all.items));
	qsort(all.items, all.count, sizeof(*all.items), by_address);
	qsort(sorted.items, sorted.count, sizeof(*sorted.items), by_guard);
	for (size_t i = 0; i < policy->ndevices; i++) {
		const struct policy_device *device = &policy->devices[i];

		for (size_t j = 0; j < device->naddrs; j++) {
			const struct policy_prefix *prefix = &device->addrs[j];
			const struct host *host;

			if (prefix_is_host(prefix))
				continue;
			if (device->guard) {
				host = find_within(&sorted, prefix,
						   device->guard, i);
				if (!host)
					host = find_within(&sorted, prefix,
							   "", i);
			} else {
				host = find_within(&all, prefix, NULL, i);
			}
			if (host)
				warn(parse, i, prefix, host);
		}
	}
	free(all.items);
	free(sorted.items);
}
