// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the daemon may do, before and after it is ready.
 *
 * It needs CAP_NET_ADMIN for the module, and while it starts CAP_CHOWN to
 * give the control socket to its group. It stays user 0: the files that it
 * reads and writes later are root's own, which takes no capability.
 */
#include <cap-ng.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "log.h"
#include "privileges.h"

/**
 * privileges_suffice() - may this process do what the daemon must?
 *
 * Return: true, or false after having logged what is missing.
 */
bool privileges_suffice(void)
{
	if (geteuid() != 0) {
		log_error("must be started by root: its files and its control socket are root's");
		return false;
	}
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN)) {
		log_error("lacks CAP_NET_ADMIN, which the lenscap module demands: start it on the host itself, or give the container this capability");
		return false;
	}
	return true;
}

/**
 * privileges_drop() - keep CAP_NET_ADMIN and nothing else
 *
 * Return: true, or false after having logged why not.
 */
bool privileges_drop(void)
{
	capng_clear(CAPNG_SELECT_ALL);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED |
		     CAPNG_BOUNDING_SET, CAP_NET_ADMIN);
	/*
	 * The bounding set counts when a program is executed, which the
	 * daemon never does and no_new_privs makes pointless: to lack
	 * CAP_SETPCAP for it is no reason to run without enforcement.
	 */
	if (capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		log_warning("cannot reduce the capability bounding set: %s",
			    strerror(errno));
	if (capng_apply(CAPNG_SELECT_CAPS) < 0 ||
	    capng_apply(CAPNG_SELECT_AMBIENT) < 0) {
		log_error("cannot drop capabilities: %s", strerror(errno));
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		log_error("cannot set no_new_privs: %s", strerror(errno));
		return false;
	}
	return true;
}
