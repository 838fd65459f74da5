// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a process that only reads and answers has no use for: it must not run
 * as root while it parses what strangers send.
 */
#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "privileges.h"
#include "say.h"

#define GROUP	"lenscap"
#define USER	"nobody"

/* The group that may open the control socket; false if that is not known. */
static bool find_group(const char *socket, gid_t *gid)
{
	const struct group *group;
	struct stat st;

	if (!stat(socket, &st)) {
		*gid = st.st_gid;
		return true;
	}
	group = getgrnam(GROUP);
	if (group)
		*gid = group->gr_gid;
	return group;
}

/* As "nobody", in the group of the control socket and in no other. */
static bool leave_root(const char *socket)
{
	const struct passwd *user = getpwnam(USER);
	gid_t gid;
	int error;

	if (!user || !user->pw_uid) {
		say("started by root, and there is no user " USER
		    " to become: start it as another user");
		return false;
	}
	if (!find_group(socket, &gid)) {
		say("started by root, and there is neither %s nor a group " GROUP
		    " whose rights to keep: start lenscapd first, or this as a user in its group",
		    socket);
		return false;
	}
	capng_clear(CAPNG_SELECT_ALL);
	error = capng_change_id((int)user->pw_uid, (int)gid,
				CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING |
				CAPNG_CLEAR_AMBIENT);
	if (error)
		say("cannot become user " USER " (capng_change_id: %d)", error);
	return !error;
}

/**
 * privileges_drop() - keep the right to open the control socket, no other
 * @socket: its path
 *
 * To be called before there are threads: capabilities are each thread's own.
 *
 * Return: true, or false after having said why not.
 */
bool privileges_drop(const char *socket)
{
	if (!geteuid()) {
		if (!leave_root(socket))
			return false;
	} else {
		capng_clear(CAPNG_SELECT_ALL);
		if (capng_apply(CAPNG_SELECT_CAPS) < 0) {
			say("cannot drop capabilities: %s", strerror(errno));
			return false;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		say("cannot set no_new_privs: %s", strerror(errno));
		return false;
	}
	return true;
}
