// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink client's dumps, collected to arrays.
 *
 * The kernel marks a dump during which its state changed; such a dump is
 * thrown away and started again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

/*
 * A commit of a large policy takes longer than a dump, so that even commits
 * without a pause leave a dump enough attempts.
 */
#define DUMP_ATTEMPTS	20

/* The next free element of a growing array, zeroed. */
static void *grow(void **items, size_t *count, size_t size,
		  struct client_error *err)
{
	char *grown = *items;

	/* Powers of two: the room is used up when the count is one. */
	if (!(*count & (*count - 1))) {
		grown = reallocarray(*items, *count ? *count * 2 : 1, size);
		if (!grown) {
			client_fail(err, CLIENT_SYSTEM, ENOMEM,
				    "out of memory");
			return NULL;
		}
		*items = grown;
	}
	grown += (*count)++ * size;
	return memset(grown, 0, size);
}

static int malformed(const char *what, struct client_error *err)
{
	client_fail(err, CLIENT_SYSTEM, EBADMSG,
		    "the lenscap module describes a %s in a way that this program does not understand: install both from one release",
		    what);
	return -1;
}

static int guard_answer(void *arg, const struct nlmsghdr *nlh,
			struct client_error *err)
{
	struct client_guards *guards = arg;
	struct client_guard *guard;

	guard = grow((void **)&guards->items, &guards->count, sizeof(*guard),
		     err);
	if (!guard)
		return -1;
	return client_decode_guard(nlh, guard) ? malformed("guard", err) : 0;
}

static int device_answer(void *arg, const struct nlmsghdr *nlh,
			 struct client_error *err)
{
	struct client_devices *devices = arg;
	struct client_device *device;

	device = grow((void **)&devices->items, &devices->count,
		      sizeof(*device), err);
	if (!device)
		return -1;
	return client_decode_device(nlh, device) ? malformed("device", err) : 0;
}

static int record_answer(void *arg, const struct nlmsghdr *nlh,
			 struct client_error *err)
{
	struct client_records *records = arg;
	struct client_losses losses;
	struct client_record *record;

	record = grow((void **)&records->items, &records->count,
		      sizeof(*record), err);
	if (!record)
		return -1;
	if (client_decode_record(nlh, record, &losses))
		return malformed("drop record", err);
	return 0;
}

/* What one message of a profile dump holds; a profile may take several. */
struct profile_part {
	const char *name;
	size_t name_len;
	uint8_t mode;
	uint32_t class, rules, first, devices, shared;
	uint64_t since;
	size_t here;
};

static bool read_profile_part(const struct nlmsghdr *nlh,
			      struct profile_part *part)
{
	const struct nlattr *attr;
	bool ok = true;

	memset(part, 0, sizeof(*part));
	client_for_each_attr(attr, nlh) {
		switch (mnl_attr_get_type(attr)) {
		case LENSCAP_PROFILE_A_NAME:
			part->name = mnl_attr_get_payload(attr);
			part->name_len = strnlen(part->name,
						 mnl_attr_get_payload_len(attr));
			break;
		case LENSCAP_PROFILE_A_MODE:
			ok = client_get_u8(attr, &part->mode);
			break;
		case LENSCAP_PROFILE_A_CLASS:
			ok = client_get_u32(attr, &part->class);
			break;
		case LENSCAP_PROFILE_A_RULES:
			ok = client_get_u32(attr, &part->rules);
			break;
		case LENSCAP_PROFILE_A_FIRST:
			ok = client_get_u32(attr, &part->first);
			break;
		case LENSCAP_PROFILE_A_DEVICES:
			ok = client_get_u32(attr, &part->devices);
			break;
		case LENSCAP_PROFILE_A_SINCE:
			ok = client_get_u64(attr, &part->since);
			break;
		case LENSCAP_PROFILE_A_SHARED:
			ok = client_get_u32(attr, &part->shared);
			break;
		case LENSCAP_PROFILE_A_RULE:
			part->here++;
			break;
		}
		if (!ok)
			return false;
	}
	return part->name && part->rules <= LENSCAP_MAX_PROFILE_RULES &&
	       part->here <= part->rules &&
	       part->first <= part->rules - part->here;
}

static struct client_profile *start_profile(struct client_profiles *profiles,
					    const struct profile_part *part,
					    struct client_error *err)
{
	struct client_profile *profile;

	profile = grow((void **)&profiles->items, &profiles->count,
		       sizeof(*profile), err);
	if (!profile)
		return NULL;
	profile->config.name = strndup(part->name, part->name_len);
	profile->config.mode = part->mode;
	profile->config.class = part->class;
	profile->devices = part->devices;
	profile->since = part->since;
	profile->shared = part->shared;
	if (part->rules)
		profile->config.rules = calloc(part->rules,
					       sizeof(struct policy_rule));
	if (part->since)
		profile->hits = calloc(part->rules + 1UL, sizeof(uint64_t));
	if (!profile->config.name || (part->rules && !profile->config.rules) ||
	    (part->since && !profile->hits)) {
		client_fail(err, CLIENT_SYSTEM, ENOMEM, "out of memory");
		return NULL;
	}
	return profile;
}

static int profile_answer(void *arg, const struct nlmsghdr *nlh,
			  struct client_error *err)
{
	struct client_profiles *profiles = arg;
	struct client_profile *profile = NULL;
	struct profile_part part;
	const struct nlattr *attr;

	if (!read_profile_part(nlh, &part))
		return malformed("profile", err);
	if (!part.first)
		profile = start_profile(profiles, &part, err);
	else if (profiles->count)
		profile = &profiles->items[profiles->count - 1];
	if (!profile)
		return part.first ? malformed("profile", err) : -1;
	/* The parts of a profile follow one another without a gap. */
	if (profile->config.nrules != part.first)
		return malformed("profile", err);
	client_for_each_attr(attr, nlh) {
		struct policy_profile *config = &profile->config;
		uint64_t hits = 0;

		if (mnl_attr_get_type(attr) != LENSCAP_PROFILE_A_RULE)
			continue;
		if (client_decode_rule(attr, &config->rules[config->nrules],
				       &hits))
			return malformed("rule", err);
		if (profile->hits)
			profile->hits[config->nrules] = hits;
		config->nrules++;
	}
	return 0;
}

/**
 * struct dump - what to ask for, and where the answers go
 * @command: of the family
 * @table: for RECORD_GET
 * @hits: of PROFILE_GET: with hits
 * @name: then of one profile, or NULL
 * @answer: takes a message
 * @result: for @answer
 * @clear: empties @result
 */
struct dump {
	uint8_t command;
	uint8_t table;
	bool hits;
	const char *name;
	client_answer_fn answer;
	void *result;
	void (*clear)(void *result);
};

static int run_dump(struct client *client, const struct dump *dump,
		    struct client_error *err)
{
	int attempt;

	for (attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
		struct nlmsghdr *nlh;

		nlh = client_message(client, dump->command, NLM_F_DUMP,
				     16 + client_name_room(dump->name ?: ""),
				     err);
		if (!nlh)
			return -1;
		if (dump->command == LENSCAP_CMD_RECORD_GET)
			mnl_attr_put_u8(nlh, LENSCAP_RECORD_A_TABLE,
					dump->table);
		if (dump->hits)
			mnl_attr_put(nlh, LENSCAP_PROFILE_A_HITS, 0, NULL);
		if (dump->name)
			mnl_attr_put_strz(nlh, LENSCAP_PROFILE_A_NAME,
					  dump->name);
		client_message_end(client, nlh);
		if (!client_exchange(client, dump->answer, dump->result, err))
			return 0;
		dump->clear(dump->result);
		if (err->code != EINTR)
			return -1;
	}
	client_fail(err, CLIENT_SYSTEM, EAGAIN,
		    "the kernel's state changed during each of %d attempts to read it: try again",
		    DUMP_ATTEMPTS);
	return -1;
}

static void clear_guards(void *result)
{
	client_guards_free(result);
}

static void clear_devices(void *result)
{
	client_devices_free(result);
}

static void clear_profiles(void *result)
{
	client_profiles_free(result);
}

static void clear_records(void *result)
{
	client_records_free(result);
}

int client_guards(struct client *client, struct client_guards *guards,
		  struct client_error *err)
{
	const struct dump dump = {
		.command = LENSCAP_CMD_GUARD_GET, .answer = guard_answer,
		.result = guards, .clear = clear_guards,
	};

	memset(guards, 0, sizeof(*guards));
	return run_dump(client, &dump, err);
}

int client_devices(struct client *client, struct client_devices *devices,
		   struct client_error *err)
{
	const struct dump dump = {
		.command = LENSCAP_CMD_DEVICE_GET, .answer = device_answer,
		.result = devices, .clear = clear_devices,
	};

	memset(devices, 0, sizeof(*devices));
	return run_dump(client, &dump, err);
}

int client_device(struct client *client, const char *name,
		  struct client_devices *devices, struct client_error *err)
{
	struct nlmsghdr *nlh;

	memset(devices, 0, sizeof(*devices));
	if (strlen(name) > LENSCAP_NAME_LEN) {
		client_fail(err, CLIENT_REFUSED, ENOENT,
			    "no device has a name of more than %u bytes",
			    LENSCAP_NAME_LEN);
		return -1;
	}
	nlh = client_message(client, LENSCAP_CMD_DEVICE_GET, 0,
			     client_name_room(name), err);
	if (!nlh)
		return -1;
	mnl_attr_put_strz(nlh, LENSCAP_DEVICE_A_NAME, name);
	client_message_end(client, nlh);
	if (!client_exchange(client, device_answer, devices, err))
		return 0;
	client_devices_free(devices);
	return -1;
}

int client_profiles(struct client *client, struct client_profiles *profiles,
		    struct client_error *err)
{
	const struct dump dump = {
		.command = LENSCAP_CMD_PROFILE_GET, .answer = profile_answer,
		.result = profiles, .clear = clear_profiles,
	};

	memset(profiles, 0, sizeof(*profiles));
	return run_dump(client, &dump, err);
}

int client_hits(struct client *client, const char *name,
		struct client_profiles *profiles, struct client_error *err)
{
	const struct dump dump = {
		.command = LENSCAP_CMD_PROFILE_GET, .hits = true, .name = name,
		.answer = profile_answer, .result = profiles,
		.clear = clear_profiles,
	};

	memset(profiles, 0, sizeof(*profiles));
	if (name && (!*name || strlen(name) > LENSCAP_NAME_LEN))
		return 0;
	return run_dump(client, &dump, err);
}

int client_records(struct client *client, uint8_t table,
		   struct client_records *records, struct client_error *err)
{
	const struct dump dump = {
		.command = LENSCAP_CMD_RECORD_GET, .table = table,
		.answer = record_answer, .result = records,
		.clear = clear_records,
	};

	memset(records, 0, sizeof(*records));
	return run_dump(client, &dump, err);
}

void client_guards_free(struct client_guards *guards)
{
	size_t i;

	for (i = 0; i < guards->count; i++)
		client_guard_free(&guards->items[i]);
	free(guards->items);
	memset(guards, 0, sizeof(*guards));
}

void client_devices_free(struct client_devices *devices)
{
	size_t i;

	for (i = 0; i < devices->count; i++)
		client_device_free(&devices->items[i]);
	free(devices->items);
	memset(devices, 0, sizeof(*devices));
}

void client_profiles_free(struct client_profiles *profiles)
{
	size_t i;

	for (i = 0; i < profiles->count; i++) {
		free(profiles->items[i].config.name);
		free(profiles->items[i].config.rules);
		free(profiles->items[i].hits);
	}
	free(profiles->items);
	memset(profiles, 0, sizeof(*profiles));
}

void client_records_free(struct client_records *records)
{
	free(records->items);
	memset(records, 0, sizeof(*records));
}
