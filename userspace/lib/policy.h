/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy that netops write, as a checked structure.
 *
 * Text comes in as named buffers (a bundle), never as paths: the command line
 * and the daemon parse the same bytes with the same code, and a file that
 * changes while it is read is noticed by whoever reads it (bundle.c).
 */
#ifndef LENSCAP_POLICY_H
#define LENSCAP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

#define POLICY_DIGEST_LEN 32

/* A file's name, as errors show it, and its bytes. */
struct policy_file {
	char *name;
	char *text;
	size_t len;
};

/* The policy file first, then its inventories in the order it names them. */
struct policy_bundle {
	struct policy_file *files;
	size_t count;
};

struct policy_prefix {
	uint8_t family;		/* 4 or 6 */
	uint8_t len;		/* bits */
	uint8_t addr[16];	/* network order; IPv4 in the first four bytes */
};

/* One compiled permission: a destination, a protocol, a range each. */
struct policy_rule {
	struct policy_prefix peer;
	int16_t proto;		/* -1: any */
	bool peer_initiates;	/* "serves" */
	uint16_t peer_low, peer_high;		/* ICMP: message types */
	uint16_t device_low, device_high;
};

struct policy_profile {
	char *name;
	uint8_t mode;		/* enum lenscap_mode */
	uint32_t class;
	struct policy_rule *rules;
	size_t nrules;
};

struct policy_device {
	char *name;
	char *guard;		/* NULL: any guard */
	bool has_mac;
	uint8_t mac[6];
	struct policy_prefix *addrs;
	size_t naddrs;
	char *profile;
};

struct policy {
	uint64_t revision;
	uint8_t digest[POLICY_DIGEST_LEN];	/* of the bundle's bytes */
	struct policy_profile *profiles;
	size_t nprofiles;
	struct policy_device *devices;
	size_t ndevices;
};

/**
 * policy_read() - read a policy file and the inventories it names, and check
 * @path: the policy file; inventories are relative to its directory
 * @bundle: receives the texts, to be freed with policy_bundle_free() also
 *	after an error
 * @policy: result, to be freed with policy_free() also after an error
 * @diag: receives every error and warning
 *
 * Each file is read whole and checked not to have changed meanwhile (size,
 * modification and change time, inode; read twice at most).
 *
 * Return: 0, or -1 with at least one error in @diag; then @policy is empty.
 */
int policy_read(const char *path, struct policy_bundle *bundle,
		struct policy *policy, struct diag *diag);
void policy_bundle_free(struct policy_bundle *bundle);

/**
 * policy_parse() - parse and check a bundle
 * @bundle: the texts
 * @policy: result, to be freed with policy_free() also after an error
 * @diag: receives every error and warning of every file, with line and column
 *
 * Return: 0, or -1 with at least one error in @diag; then @policy is empty.
 */
int policy_parse(const struct policy_bundle *bundle, struct policy *policy,
		 struct diag *diag);
void policy_free(struct policy *policy);

#endif /* LENSCAP_POLICY_H */
