// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing frames with comments to a pcapng file: see pcapng.h.
 */
#include <string.h>

#include <wireshark/wiretap/wtap.h>
#include <wireshark/wsutil/wslog.h>

#include "pcapng.h"

/* EPB flags: inbound. */
#define INBOUND	1U

/**
 * struct interface - one that the file describes; its number is its place
 * @name: its name
 * @encap: what its frames begin with
 */
struct interface {
	char *name;
	int encap;
};

struct pcapng {
	wtap_dumper *dumper;
	GArray *sections;
	uint32_t snaplen;
	struct interface *interfaces;
	guint32 count;
};

/* What GLib allocates, free() frees. */
static int explain(char **error, int code, char *info)
{
	*error = g_strdup_printf("%s%s%s", wtap_strerror(code),
				 info ? ": " : "", info ? info : "");
	g_free(info);
	return -1;
}

static GArray *describe_section(const char *program)
{
	GArray *sections = g_array_new(FALSE, FALSE, sizeof(wtap_block_t));
	wtap_block_t section = wtap_block_create(WTAP_BLOCK_SECTION);

	wtap_block_add_string_option(section, OPT_SHB_USERAPPL, program,
				     strlen(program));
	return g_array_append_val(sections, section);
}

static struct pcapng *open_file(int fd, const char *program, uint32_t snaplen,
				char **error)
{
	wtap_dump_params params = WTAP_DUMP_PARAMS_INIT;
	wtapng_iface_descriptions_t none = { 0 };
	struct pcapng *file = g_new0(struct pcapng, 1);
	gchar *info = NULL;
	int code = 0;

	/* Failures are returned as well. */
	ws_log_init(program, NULL);
	ws_log_set_level(LOG_LEVEL_CRITICAL);
	wtap_init(FALSE);
	file->snaplen = snaplen;
	file->sections = describe_section(program);
	params.encap = WTAP_ENCAP_PER_PACKET;
	params.snaplen = (int)snaplen;
	params.tsprec = WTAP_TSPREC_USEC;
	params.shb_hdrs = file->sections;
	/* Interfaces are described as frames come in by them. Without any, the
	 * library would describe one of its own; so it gets one, and is told not
	 * to write it.
	 */
	none.interface_data = file->sections;
	params.idb_inf = &none;
	params.dont_copy_idbs = TRUE;
	file->dumper = wtap_dump_fdopen(fd, wtap_pcapng_file_type_subtype(),
					WTAP_UNCOMPRESSED, &params, &code,
					&info);
	if (file->dumper)
		return file;
	explain(error, code, info);
	wtap_block_array_free(file->sections);
	g_free(file);
	wtap_cleanup();
	return NULL;
}

static int add_interface(struct pcapng *file, const char *name, int encap,
			 char **error)
{
	wtap_block_t block = wtap_block_create(WTAP_BLOCK_IF_ID_AND_INFO);
	wtapng_if_descr_mandatory_t *facts =
		wtap_block_get_mandatory_data(block);
	gchar *info = NULL;
	int code = 0;
	bool done;

	facts->wtap_encap = encap;
	facts->time_units_per_second = 1000000;
	facts->tsprecision = WTAP_TSPREC_USEC;
	facts->snap_len = file->snaplen;
	wtap_block_add_string_option(block, OPT_IDB_NAME, name, strlen(name));
	wtap_block_add_uint8_option(block, OPT_IDB_TSRESOL, 6);
	done = wtap_dump_add_idb(file->dumper, block, &code, &info);
	wtap_block_unref(block);
	if (!done)
		return explain(error, code, info);
	file->interfaces = g_renew(struct interface, file->interfaces,
				   file->count + 1);
	file->interfaces[file->count++] =
		(struct interface){ g_strdup(name), encap };
	return 0;
}

static int find_interface(struct pcapng *file, const char *name, int encap,
			  guint32 *number, char **error)
{
	for (guint32 i = 0; i < file->count; i++) {
		*number = i;
		if (file->interfaces[i].encap == encap &&
		    !strcmp(file->interfaces[i].name, name))
			return 0;
	}
	*number = file->count;
	return add_interface(file, name, encap, error);
}

static int write_frame(struct pcapng *file, const struct pcapng_frame *frame,
		       char **error)
{
	int encap = frame->ethernet ? WTAP_ENCAP_ETHERNET :
				      WTAP_ENCAP_RAW_IP;
	wtap_packet_header *header;
	gchar *info = NULL;
	guint32 number;
	int code = 0;
	wtap_rec rec;
	bool done;

	if (find_interface(file, frame->interface, encap, &number, error) < 0)
		return -1;
	wtap_rec_init(&rec);
	header = &rec.rec_header.packet_header;
	rec.rec_type = REC_TYPE_PACKET;
	rec.presence_flags = WTAP_HAS_TS | WTAP_HAS_CAP_LEN |
			     WTAP_HAS_INTERFACE_ID;
	rec.ts.secs = frame->time.tv_sec;
	rec.ts.nsecs = (int)frame->time.tv_nsec;
	rec.tsprec = WTAP_TSPREC_USEC;
	header->caplen = (guint32)frame->len;
	header->len = (guint32)frame->whole;
	header->pkt_encap = encap;
	header->interface_id = number;
	memset(&header->pseudo_header, 0, sizeof(header->pseudo_header));
	/* No frame check sequence behind an Ethernet frame. */
	header->pseudo_header.eth.fcs_len = 0;
	rec.block = wtap_block_create(WTAP_BLOCK_PACKET);
	rec.block_was_modified = TRUE;
	wtap_block_add_string_option(rec.block, OPT_COMMENT, frame->comment,
				     strlen(frame->comment));
	wtap_block_add_uint32_option(rec.block, OPT_PKT_FLAGS, INBOUND);
	done = wtap_dump(file->dumper, &rec, frame->data, &code, &info);
	wtap_block_unref(rec.block);
	rec.block = NULL;
	wtap_rec_cleanup(&rec);
	return done ? 0 : explain(error, code, info);
}

static int flush_file(struct pcapng *file, char **error)
{
	int code = 0;

	if (wtap_dump_flush(file->dumper, &code))
		return 0;
	return explain(error, code, NULL);
}

static int close_file(struct pcapng *file, char **error)
{
	gchar *info = NULL;
	int code = 0;
	bool done = wtap_dump_close(file->dumper, NULL, &code, &info);

	for (guint32 i = 0; i < file->count; i++)
		g_free(file->interfaces[i].name);
	g_free(file->interfaces);
	wtap_block_array_free(file->sections);
	g_free(file);
	wtap_cleanup();
	return done ? 0 : explain(error, code, info);
}

__attribute__((visibility("default")))
const struct pcapng_writer lenscap_pcapng_writer = {
	.open = open_file,
	.write = write_frame,
	.flush = flush_file,
	.close = close_file,
};
