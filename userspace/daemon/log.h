/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon says about itself, on stderr. Drop records go elsewhere:
 * report.h.
 */
#ifndef LENSCAPD_LOG_H
#define LENSCAPD_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "diag.h"

/* Of <syslog.h>, and of sd-daemon(3). */
enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
};

void log_init(void);
void log_impatient(void);
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void log_diag(const struct diag *diag);
bool log_write(int fd, const char *line, size_t len, bool patient);

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...) log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)

#endif /* LENSCAPD_LOG_H */
