/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gateway.yaml: the facts of one gateway. It never travels.
 */
#ifndef LENSCAP_GATEWAY_H
#define LENSCAP_GATEWAY_H

#include "diag.h"
#include "gateway_events.h"
#include "policy.h"

/* The state directory, unless the file names another. */
#define GATEWAY_STATE "/var/lib/lenscap"

struct gateway_guard {
	char *name;
	char *interface;
	uint16_t vlan;		/* 0: none */
	uint8_t identity;	/* enum lenscap_identity */
	uint8_t mode;		/* enum lenscap_mode */
	uint32_t upkeep;	/* LENSCAP_UPKEEP_* */
	struct policy_prefix *subnets;
	size_t nsubnets;
};

enum gateway_log {
	GATEWAY_LOG_STDOUT,
	GATEWAY_LOG_JOURNAL,
	GATEWAY_LOG_EVENTS,	/* as "events" says */
};

/**
 * struct gateway_history - how much of the past is kept on disk
 * @on: there is a history
 * @path: its file
 * @days: rows are kept for so long
 * @max_size: the file is kept smaller, MiB
 */
struct gateway_history {
	bool on;
	char *path;
	unsigned int days;
	unsigned int max_size;
};

struct gateway {
	uint32_t tag_value, tag_mask, class_mask;
	struct gateway_guard *guards;
	size_t nguards;
	char *policy;		/* path of policy.yaml, resolved */
	char *state;		/* directory of the last-known-good policy */
	char *socket;		/* path of the control socket */
	char *group;		/* its group */
	enum gateway_log log;	/* where drop records go */
	bool interlock;		/* cut off what the module did not judge */
	struct gateway_events events;
	struct gateway_annotations annotations;
	struct gateway_history history;
};

/**
 * gateway_read() - read and check gateway.yaml
 * @path: the file; relative paths in it are relative to its directory
 * @gateway: result, to be freed with gateway_free() also after an error
 * @diag: receives every error
 *
 * Return: 0, or -1 with at least one error in @diag.
 */
int gateway_read(const char *path, struct gateway *gateway, struct diag *diag);

/**
 * gateway_parse() - parse and check the text of gateway.yaml
 * @file: its path and text
 * @gateway: as of gateway_read()
 * @diag: as of gateway_read()
 *
 * Return: 0, or -1 with at least one error in @diag; then @gateway is empty.
 */
int gateway_parse(const struct policy_file *file, struct gateway *gateway,
		  struct diag *diag);

/**
 * gateway_state() - the state directory that a file names, broken or not
 * @file: its path and text
 *
 * Return: its path, to be freed, or NULL if it names none, or nothing can be
 * read of it.
 */
char *gateway_state(const struct policy_file *file);
void gateway_free(struct gateway *gateway);

/**
 * gateway_check_policy() - does a policy fit this gateway?
 * @gateway: the gateway
 * @policy: a valid policy
 * @diag: receives errors, without places, for what the kernel would refuse,
 *	and warnings for devices that no guard here will recognise
 *
 * Return: 0, or -1 with at least one error in @diag.
 */
int gateway_check_policy(const struct gateway *gateway,
			 const struct policy *policy, struct diag *diag);

#endif /* LENSCAP_GATEWAY_H */
