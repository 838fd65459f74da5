/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The two texts that monitoring reads: Prometheus' own, and OpenMetrics.
 */
#ifndef LENSCAP_EXPORTER_FORMAT_H
#define LENSCAP_EXPORTER_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum format {
	FORMAT_PROMETHEUS,	/* text/plain; version=0.0.4 */
	FORMAT_OPENMETRICS,	/* application/openmetrics-text; version=1.0.0 */
};

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,
};

/* Text that grows; its memory is kept for the next one. */
struct out {
	char *bytes;
	size_t len, size;
};

struct label {
	const char *name, *value;
};

enum format format_choose(const char *accept);
const char *format_type(enum format format);
void format_header(struct out *out, enum format format, const char *family,
		   enum metric_type type, const char *unit, const char *help);
void format_sample(struct out *out, const char *family, enum metric_type type,
		   const struct label *labels, size_t count);
void format_number(struct out *out, uint64_t value);
void format_seconds(struct out *out, uint64_t ms);
void format_end(struct out *out, enum format format);
void out_free(struct out *out);

#endif /* LENSCAP_EXPORTER_FORMAT_H */
