// SPDX-License-Identifier: GPL-2.0-only
/*
 * Profiles: named allowlists.
 */
#include <stdio.h>
#include <string.h>

#include <linux/lenscap.h>

#include "mem.h"
#include "parse.h"
#include "text.h"

enum {
	KEY_MODE,
	KEY_CLASS,
	KEY_SERVES,
	KEY_CONNECTS,
	KEYS
};

static const struct ykey keys[KEYS] = {
	[KEY_MODE] = { "mode", false },
	[KEY_CLASS] = { "class", false },
	[KEY_SERVES] = { "serves", false },
	[KEY_CONNECTS] = { "connects", false },
};

static size_t parse_rules(struct parse *parse, const char *what,
			  const struct ynode *node, bool peer_initiates,
			  struct policy_profile *profile)
{
	const struct ynode *entry;
	size_t count = 0;

	if (!ynode_list(&parse->tree, node, what,
			keys[peer_initiates ? KEY_SERVES : KEY_CONNECTS].name,
			&entry))
		return 0;
	for (; entry; entry = entry->next)
		count += rule_parse(parse, what, entry, peer_initiates,
				    profile);
	return count;
}

/* Return: the rules that it makes, although not all may be kept. */
static size_t parse_profile(struct parse *parse, const char *what,
			    const struct ynode *key,
			    struct policy_profile *profile)
{
	const struct ynode *values[KEYS];
	char name[WHAT_TEXT + 16];
	unsigned int mode = LENSCAP_MODE_ENFORCE;
	uint64_t class = 0;
	size_t count = 0;

	if (!ynode_fields(&parse->tree, key->next, what, keys, KEYS, values))
		return 0;
	if (values[KEY_MODE])
		ynode_choice(&parse->tree, values[KEY_MODE], what, &names_mode,
			     &mode);
	(void)snprintf(name, sizeof(name), "%s: class", what);
	if (values[KEY_CLASS])
		ynode_number(&parse->tree, values[KEY_CLASS], name, 0,
			     UINT32_MAX, &class);
	profile->mode = (uint8_t)mode;
	profile->class = (uint32_t)class;
	if (values[KEY_SERVES])
		count += parse_rules(parse, what, values[KEY_SERVES], true,
				     profile);
	if (values[KEY_CONNECTS])
		count += parse_rules(parse, what, values[KEY_CONNECTS], false,
				     profile);
	profile->rules = mem_array_done(profile->rules, profile->nrules,
					sizeof(*profile->rules));
	if (count > LENSCAP_MAX_PROFILE_RULES)
		ynode_error(&parse->tree, key,
			    "%s makes %zu rules (each address with each port range is one), but the limit is %u",
			    what, count, LENSCAP_MAX_PROFILE_RULES);
	return count;
}

static size_t add_profile(struct parse *parse, const struct ynode *key)
{
	struct policy *policy = parse->policy;
	const char *bad = text_bad_name(key->text);
	struct policy_profile *profile;
	char what[WHAT_TEXT];
	size_t first;

	(void)snprintf(what, sizeof(what), "profile \"%s\"",
		       TEXT_CLIP(key->text));
	if (bad)
		ynode_error(&parse->tree, key, "%s: the name %s", what, bad);
	if (!index_add(&parse->profile_names, key->text, strlen(key->text),
		       policy->nprofiles, &first)) {
		ynode_error(&parse->tree, key,
			    "%s is defined twice, first at line %u", what,
			    parse->profiles[first].node->line);
		return 0;
	}
	parse->profiles = mem_array_room(parse->profiles, policy->nprofiles, 1,
					 sizeof(*parse->profiles));
	parse->profiles[policy->nprofiles] = (struct profile_note) {
		.node = key,
	};
	policy->profiles = mem_array_room(policy->profiles, policy->nprofiles,
					  1, sizeof(*profile));
	profile = &policy->profiles[policy->nprofiles++];
	*profile = (struct policy_profile) { .name = mem_copy(key->text) };
	return parse_profile(parse, what, key, profile);
}

/**
 * profiles_parse() - read "profiles"
 * @parse: where to; destinations have been read
 * @node: the map
 */
void profiles_parse(struct parse *parse, const struct ynode *node)
{
	const struct ynode *key;
	size_t rules = 0;

	if (node->type != YNODE_MAP) {
		ynode_error(&parse->tree, node,
			    "profiles needs a mapping of names to profiles, is %s",
			    ynode_kind(node));
		return;
	}
	for (key = node->first; key; key = key->next->next) {
		if (key->type == YNODE_SCALAR)
			rules += add_profile(parse, key);
	}
	if (parse->policy->nprofiles > LENSCAP_MAX_PROFILES)
		ynode_error(&parse->tree, node,
			    "there are %zu profiles, but the limit is %u",
			    parse->policy->nprofiles, LENSCAP_MAX_PROFILES);
	if (rules > LENSCAP_MAX_RULES)
		ynode_error(&parse->tree, node,
			    "the profiles make %zu rules together, but the limit is %u",
			    rules, LENSCAP_MAX_RULES);
}

/**
 * profiles_warn_unused() - say which ones no device has
 * @parse: after all devices
 */
void profiles_warn_unused(struct parse *parse)
{
	for (size_t i = 0; i < parse->policy->nprofiles; i++) {
		if (!parse->profiles[i].used)
			ynode_warning(&parse->tree, parse->profiles[i].node,
				      "profile \"%s\" is not used by any device",
				      parse->policy->profiles[i].name);
	}
}
